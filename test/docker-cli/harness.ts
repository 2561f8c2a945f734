import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import type { Instance } from '../../engine/instance.ts'
import { busyboxRootfsTar } from '../helpers/busybox.ts'
import { EngineProcess } from '../helpers/engine-process.ts'
import { testInstance } from '../helpers/local-engine.ts'
import { patient } from '../helpers/patience.ts'
import { sweepInstance } from '../helpers/sweep-instance.ts'

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

/**
 * The docker CLI against an engine of its own, or against any Docker API endpoint that `GANTRY_TEST_DOCKER_HOST` names
 * (dockerd, say): what passes on both is how Docker behaves. Objects carry the prefix, and go when it is closed.
 */
export interface Cli {
  /** Of every object made here. */
  prefix: string
  /** A busybox with PATH and CMD. */
  image: string
  /** Whether it is Gantry that is spoken to. */
  own: boolean
  /** What DOCKER_HOST is. */
  host: string
  /** The engine's process when it is Gantry. */
  pid: number | undefined
  /** Of the engine's API, for what the CLI does not do. */
  socketPath: string
  dir: string
  run(
    args: string[],
    options?: {
      input?: string | Buffer
      /** A file that takes standard output instead. */
      into?: string
      timeoutMs?: number
    },
  ): Promise<CliResult>
  /** Its standard output without the last newline; throws when it fails. */
  ok(...args: string[]): Promise<string>
  /** Started and left running; killed when the test's time is over. */
  start(args: string[]): Session
  /** The same at a terminal of its own. */
  terminal(args: string[], size?: { rows: number; cols: number }): Session
  close(): Promise<void>
}

/** Why these tests cannot run here; false when they can. */
export async function whyNot(): Promise<string | false> {
  const found = await collect(spawn('docker', ['--version'])).catch(() => undefined)
  return found?.code === 0 ? false : 'the docker CLI is not installed'
}

/** @param settings of the engine that is started for the test */
export async function openCli(
  settings: Pick<Partial<Instance>, 'runtimes' | 'userns'> = {},
): Promise<Cli> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
  const given = process.env.GANTRY_TEST_DOCKER_HOST
  const own = { ...testInstance(dir), ...settings }
  const engine = given === undefined ? new EngineProcess(own) : undefined
  await engine?.start()
  const host = given ?? `unix://${engine?.instance.socketPath ?? ''}`
  // A configuration of its own: neither contexts nor credentials of whoever runs the tests.
  const env = {
    ...process.env,
    DOCKER_HOST: host,
    DOCKER_CONFIG: path.join(dir, 'config'),
    DOCKER_CLI_HINTS: 'false',
  }
  const prefix = `gt${String(process.pid)}`
  const image = `${prefix}/busybox:1`
  const sessions = new Set<Session>()
  const keep = (session: Session): Session => {
    sessions.add(session)
    return session
  }
  const cli: Cli = {
    prefix,
    image,
    own: given === undefined,
    host,
    pid: engine?.pid,
    socketPath: host.replace(/^unix:\/\//, ''),
    dir,
    run: (args, options = {}) => {
      const child = spawn('docker', args, {
        env,
        timeout: options.timeoutMs ?? patient(30_000),
        killSignal: 'SIGKILL',
      })
      child.stdin.on('error', () => undefined)
      child.stdin.end(options.input ?? '')
      return collect(child, options.into)
    },
    ok: async (...args) => {
      const result = await cli.run(args)
      if (result.code !== 0)
        throw new Error(`docker ${args.join(' ')}: ${String(result.code)} ${result.stderr}`)
      return result.stdout.replace(/\n$/, '')
    },
    start: (args) => keep(new Session(spawn('docker', args, { env }))),
    terminal: (args, size = { rows: 24, cols: 80 }) => {
      const words = args.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
      const command = `stty rows ${String(size.rows)} cols ${String(size.cols)}; exec docker ${words}`
      return keep(new Session(spawn('script', ['-qefc', command, '/dev/null'], { env })))
    },
    close: async () => {
      for (const session of sessions) session.kill()
      await removeAll(cli)
      await engine?.kill('SIGTERM')
      if (engine !== undefined) await sweepInstance(engine.instance)
      await fs.rm(dir, { recursive: true, force: true })
    },
  }
  const tar = path.join(dir, 'busybox.tar')
  await fs.writeFile(tar, busyboxRootfsTar())
  await cli.ok('import', '--change', 'ENV PATH=/bin', '--change', 'CMD ["sh"]', tar, image)
  return cli
}

/** A docker command that is being talked to. */
export class Session {
  output = ''
  readonly exited: Promise<number | null>
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
    const take = (chunk: Buffer): void => {
      this.output += chunk.toString()
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.stdin?.on('error', () => undefined)
    this.exited = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
  }

  type(words: string): void {
    this.#child.stdin?.write(words)
  }

  closeInput(): void {
    this.#child.stdin?.end()
  }

  /** Resolves when the output holds the words. */
  async until(words: string | RegExp, timeoutMs = patient(15_000)): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (!(typeof words === 'string' ? this.output.includes(words) : words.test(this.output))) {
      if (Date.now() > deadline) {
        throw new Error(`${String(words)} never came; there was ${JSON.stringify(this.output)}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }
}

/** Asks again until it holds: for what takes its time by nature (a restart, a removal after the exit). */
export async function eventually<T>(
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + patient(15_000)
  for (;;) {
    const value = await ask()
    if (holds(value)) return value
    if (Date.now() > deadline)
      throw new Error(`it never came to hold; the last was ${JSON.stringify(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function removeAll(cli: Cli): Promise<void> {
  const lines = async (...args: string[]): Promise<string[]> =>
    (await cli.run(args)).stdout.split('\n').filter((line) => line !== '')
  const ours = (name: string): boolean => name.startsWith(cli.prefix)
  const containers = (await lines('ps', '-a', '--format', '{{.Names}} {{.Image}}'))
    .map((line) => line.split(' '))
    .filter(([name = '', image = '']) => ours(name) || ours(image))
    .map(([name = '']) => name)
  if (containers.length > 0) await cli.run(['rm', '-f', '-v', ...containers])
  const images = (await lines('images', '--format', '{{.Repository}}:{{.Tag}}')).filter(ours)
  if (images.length > 0) await cli.run(['rmi', '-f', ...images])
  const networks = (await lines('network', 'ls', '--format', '{{.Name}}')).filter(ours)
  if (networks.length > 0) await cli.run(['network', 'rm', ...networks])
  const volumes = (await lines('volume', 'ls', '-q')).filter(ours)
  if (volumes.length > 0) await cli.run(['volume', 'rm', '-f', ...volumes])
}

async function collect(child: ChildProcess, into?: string): Promise<CliResult> {
  const exited = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [code, stdout, stderr] = await Promise.all([
    exited,
    child.stdout === null ? '' : into === undefined ? text(child.stdout) : save(child.stdout, into),
    child.stderr === null ? '' : text(child.stderr),
  ])
  return { code, stdout, stderr }
}

async function save(stream: Readable, file: string): Promise<string> {
  await pipeline(stream, createWriteStream(file))
  return ''
}
