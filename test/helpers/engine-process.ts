import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Engine } from '../../engine/contract.ts'
import type { Instance } from '../../engine/instance.ts'
import { openRemoteEngine } from '../../engine/remote/remote-engine.ts'

const MAIN = path.resolve(import.meta.dirname, '../../engine/main.ts')

/** `npm run engine` as a process of its own over the given roots, spoken to through its Docker API socket. */
export class EngineProcess {
  readonly instance: Instance
  #child: ChildProcess | null = null
  #engine: Engine | null = null
  /** All it said on standard output and error. */
  said = ''

  readonly #program: string | undefined
  readonly #env: Record<string, string>

  /**
   * @param options.program the engine bundled into one file; when not given the one of `npm test`, else its source
   * @param options.env more of its environment
   */
  constructor(
    instance: Instance,
    options: { program?: string; env?: Record<string, string> } = {},
  ) {
    this.instance = instance
    this.#program = options.program ?? process.env.GANTRY_TEST_ENGINE
    this.#env = options.env ?? {}
  }

  get engine(): Engine {
    if (!this.#engine) throw new Error('the engine process is not running')
    return this.#engine
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Resolves once it says that it is ready. */
  async start(): Promise<Engine> {
    const { bridgeSubnet, dataRoot, registryMirrors, runRoot, runtimes, userns } = this.instance
    const { journaldSocket, logging } = this.instance
    const program = this.#program === undefined ? ['--import', 'tsx', MAIN] : [this.#program]
    const child = spawn(process.execPath, program, {
      env: {
        ...process.env,
        ...this.#env,
        GANTRY_DATA: dataRoot,
        GANTRY_RUN: runRoot,
        GANTRY_BRIDGE_SUBNET: bridgeSubnet,
        GANTRY_REGISTRY_MIRRORS: registryMirrors.join(','),
        GANTRY_RUNTIMES: Object.entries(runtimes)
          .map((runtime) => runtime.join('='))
          .join(','),
        GANTRY_USERNS: userns,
        GANTRY_LOG_DRIVER: logging.driver,
        GANTRY_LOG_OPTS: Object.entries(logging.options)
          .map((option) => option.join('='))
          .join(','),
        GANTRY_JOURNALD_SOCKET: journaldSocket,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => (this.said += chunk.toString()))
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.said += `${line}\n`
        if (line.includes('engine ready')) resolve()
      })
      child.once('exit', (code) => {
        reject(new Error(`the engine ended with ${String(code)}: ${this.said}`))
      })
    })
    this.#engine = await openRemoteEngine({ url: `unix://${this.instance.socketPath}` })
    return this.#engine
  }

  /** SIGKILL by default: as a crash, nothing is tidied. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    await this.#engine?.close()
    this.#engine = null
    this.#child = null
  }
}
