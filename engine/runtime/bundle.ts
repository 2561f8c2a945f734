import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { ConflictError, UnavailableError } from '../errors.ts'
import type { OciProcess, OciSpec } from '../types/oci-runtime.ts'
import { bundleConfig, processConfig } from './bundle-config.ts'
import { PARTS, placeParts } from './mount-parts.ts'
import type { OciRuntime } from './oci-runtimes.ts'

const COMMAND_TIMEOUT_MS = 20_000

const RECORD = 'runtime.json'

/** `<run>/c/<id>/runtime.json`: a later engine must find the runtime, whatever is configured by then. */
const recordSchema = z.object({ id: z.string(), path: z.string(), hostProcesses: z.boolean() })

/** What the shim needs to have another runtime make a process. */
export interface RuntimeCommand {
  argv: string[]
  /** Names in the run directory; the socket's is '' without a terminal. */
  pidFile: string
  consoleSocket: string
}

/**
 * A container's bundle for another OCI runtime, and the commands that runtime takes, below the run directory:
 *
 *     runtime.json  bundle/config.json  rootfs/ (the mount point)  parts/ (mount points: mount-parts.ts)
 *     runtime/ (its own state)  runtime.log
 *     x/<exec id>/{process.json,pid,log}  t<n> (console sockets, while something starts)
 *
 * @see runtime-spec runtime.md, "Operations"; opencontainers/runc man/runc.8.md for the command line, which crun and
 *   runsc share
 */
export class OciBundle {
  readonly hostProcesses: boolean
  readonly #id: string
  readonly #path: string
  readonly #runDir: string
  #sockets = 0

  private constructor(runDir: string, record: z.infer<typeof recordSchema>) {
    this.#runDir = runDir
    this.#id = record.id
    this.#path = record.path
    this.hostProcesses = record.hostProcesses
  }

  /** Writes the bundle of a container that is about to be made. */
  static create(options: {
    id: string
    runDir: string
    runtime: OciRuntime
    spec: OciSpec
  }): OciBundle {
    const { id, runDir, runtime, spec } = options
    const bundle = new OciBundle(runDir, { id, ...runtime })
    const record = { id, path: runtime.path, hostProcesses: runtime.hostProcesses }
    const file = path.join(runDir, RECORD)
    // whole or not at all: by it the engine after a killed one knows how to take the rest down
    fs.writeFileSync(`${file}.new`, JSON.stringify(record))
    fs.renameSync(`${file}.new`, file)
    fs.mkdirSync(spec.root.path, { recursive: true })
    fs.mkdirSync(path.join(runDir, 'bundle'), { recursive: true })
    fs.mkdirSync(path.join(runDir, PARTS), { recursive: true, mode: 0o700 })
    const { mounts } = placeParts(spec.mounts, runDir)
    // it holds the environment, and so, often, secrets
    fs.writeFileSync(
      path.join(runDir, 'bundle/config.json'),
      bundleConfig({ ...spec, mounts }, runtime),
      { mode: 0o600 },
    )
    fs.rmSync(bundle.log, { force: true })
    return bundle
  }

  /** Of the container that runs, or ran, in this directory; undefined when no other runtime made it. */
  static open(runDir: string): OciBundle | undefined {
    let text: string
    try {
      text = fs.readFileSync(path.join(runDir, RECORD), 'utf8')
    } catch {
      // made by us alone
      return undefined
    }
    return new OciBundle(runDir, recordSchema.parse(JSON.parse(text)))
  }

  /** Where the runtime says why it could not. */
  get log(): string {
    return path.join(this.#runDir, 'runtime.log')
  }

  createCommand(tty: boolean): RuntimeCommand {
    const pidFile = 'pid'
    const consoleSocket = tty ? 't' : ''
    return {
      pidFile,
      consoleSocket,
      argv: this.#argv(this.log, 'create', [
        '--bundle',
        path.join(this.#runDir, 'bundle'),
        ...this.#places(pidFile, consoleSocket),
      ]),
    }
  }

  startCommand(): string[] {
    return this.#argv(this.log, 'start')
  }

  /** Writes what an exec needs; `forgetExec` takes it away again. */
  execCommand(execId: string, process: OciProcess): RuntimeCommand {
    const directory = this.#execDirectory(execId)
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    const processFile = path.join(directory, 'process.json')
    fs.writeFileSync(processFile, processConfig(process), { mode: 0o600 })
    const pidFile = path.join('x', execId, 'pid')
    const consoleSocket = process.terminal === true ? `t${String(this.#sockets++ % 1000)}` : ''
    return {
      pidFile,
      consoleSocket,
      argv: this.#argv(this.execLog(execId), 'exec', [
        '--detach',
        '--process',
        processFile,
        ...this.#places(pidFile, consoleSocket),
      ]),
    }
  }

  execLog(execId: string): string {
    return path.join(this.#execDirectory(execId), 'log')
  }

  forgetExec(execId: string, { consoleSocket }: RuntimeCommand): void {
    fs.rmSync(this.#execDirectory(execId), { recursive: true, force: true })
    if (consoleSocket !== '') fs.rmSync(path.join(this.#runDir, consoleSocket), { force: true })
  }

  /**
   * Sends a signal to the container's first process, wherever that is.
   *
   * @throws CONFLICT when it does not run
   */
  async kill(signo: number): Promise<void> {
    try {
      await this.#run('kill', this.#id, String(signo))
    } catch (cause) {
      throw new ConflictError(`cannot signal ${String(signo)} the container: it is not running`, {
        cause,
      })
    }
  }

  /**
   * Has the runtime forget the container and end what it still keeps for it; fine when it has nothing.
   *
   * @throws UNAVAILABLE with what the runtime says
   */
  async delete(): Promise<void> {
    if (!fs.existsSync(this.#state) || fs.readdirSync(this.#state).length === 0) return
    await this.#run('delete', '--force', this.#id)
  }

  async #run(verb: string, ...args: string[]): Promise<void> {
    try {
      await promisify(execFile)(this.#path, ['--root', this.#state, verb, ...args], {
        timeout: COMMAND_TIMEOUT_MS,
        cwd: '/',
      })
    } catch (cause) {
      const { message, stderr = '' } = cause as { message: string; stderr?: string }
      const words = stderr.trim() === '' ? message : stderr.trim()
      throw new UnavailableError(`${this.#path} ${verb}: ${words}`, { cause })
    }
  }

  #argv(log: string, verb: string, options: string[] = []): string[] {
    const logging = ['--log', log, '--log-format', 'json']
    return [this.#path, '--root', this.#state, ...logging, verb, ...options, this.#id]
  }

  #places(pidFile: string, consoleSocket: string): string[] {
    const socket = path.join(this.#runDir, consoleSocket)
    return [
      '--pid-file',
      path.join(this.#runDir, pidFile),
      ...(consoleSocket === '' ? [] : ['--console-socket', socket]),
    ]
  }

  get #state(): string {
    return path.join(this.#runDir, 'runtime')
  }

  #execDirectory(execId: string): string {
    return path.join(this.#runDir, 'x', execId)
  }
}
