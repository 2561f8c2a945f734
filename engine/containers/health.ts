import { randomBytes } from 'node:crypto'
import { asCaller, system } from '../caller.ts'
import { InvalidParameterError } from '../errors.ts'
import { buildExecProcess } from '../runtime/exec-process.ts'
import type { Health, HealthConfig } from '../types/docker.ts'
import { timestamp } from './clock.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { filterOf, requireRunning, userInRunning } from './running.ts'

type HealthStatus = 'none' | 'starting' | 'healthy' | 'unhealthy'
type ProbeResult = NonNullable<NonNullable<Health>['Log']>[number]

const NANOS_PER_MS = 1_000_000
const DEFAULT_INTERVAL_MS = 30_000
const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_START_INTERVAL_MS = 5_000
const DEFAULT_RETRIES = 3
const MOST_RESULTS = 5
const MOST_OUTPUT = 4096

/** @throws INVALID_PARAMETER in Docker's words */
export function checkHealthConfig(config: HealthConfig | undefined): void {
  const test = config?.Test ?? []
  if (test.length === 0) return
  if (!['NONE', 'CMD', 'CMD-SHELL'].includes(test[0] ?? '')) {
    throw new InvalidParameterError(
      `Unknown healthcheck type '${test[0] ?? ''}'; use NONE, CMD or CMD-SHELL`,
    )
  }
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = config?.[name] ?? 0
    if (value !== 0 && value < NANOS_PER_MS) {
      throw new InvalidParameterError(`${name} in Healthcheck cannot be less than 1ms`)
    }
  }
  if ((config?.Retries ?? 0) < 0)
    throw new InvalidParameterError('Retries in Healthcheck cannot be negative')
}

/** Begins to probe a container that has just started and has a health check. */
export function startHealthMonitor(context: ContainersContext, container: Container): void {
  container.health?.stop()
  const config = container.document.config.Healthcheck
  const kind = config?.Test?.[0]
  container.health =
    config && (kind === 'CMD' || kind === 'CMD-SHELL')
      ? new HealthMonitor(context, container, config)
      : null
}

/** Probes one container while it runs: `starting` until the first success or enough failures after the start period. */
export class HealthMonitor {
  status: HealthStatus = 'starting'
  failingStreak = 0
  readonly #context: ContainersContext
  readonly #container: Container
  readonly #config: HealthConfig
  readonly #startedAt = Date.now()
  #results: ProbeResult[] = []
  #timer: NodeJS.Timeout | null = null
  #stopped = false

  constructor(context: ContainersContext, container: Container, config: HealthConfig) {
    this.#context = context
    this.#container = container
    this.#config = config
    this.#schedule()
  }

  inspect(): Health {
    return { Status: this.status, FailingStreak: this.failingStreak, Log: this.#results }
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    if (this.status !== 'none') this.status = 'unhealthy'
  }

  get #inStartPeriod(): boolean {
    return Date.now() - this.#startedAt < milliseconds(this.#config.StartPeriod, 0)
  }

  #schedule(): void {
    const interval =
      this.status === 'starting' && this.#inStartPeriod
        ? milliseconds(this.#config.StartInterval, DEFAULT_START_INTERVAL_MS)
        : milliseconds(this.#config.Interval, DEFAULT_INTERVAL_MS)
    this.#timer = setTimeout(() => {
      void asCaller(system('health check'), () => this.#probe()).finally(() => {
        if (!this.#stopped) this.#schedule()
      })
    }, interval)
  }

  async #probe(): Promise<void> {
    const Start = timestamp()
    const { code, output } = await this.#run()
    if (this.#stopped) return
    this.#results = [
      ...this.#results,
      { Start, End: timestamp(), ExitCode: code, Output: output },
    ].slice(-MOST_RESULTS)
    this.#judge(code === 0)
  }

  #judge(succeeded: boolean): void {
    const before = this.status
    if (succeeded) {
      this.failingStreak = 0
      this.status = 'healthy'
    } else if (this.status !== 'starting' || !this.#inStartPeriod) {
      this.failingStreak++
      const retries = this.#config.Retries ?? 0
      if (this.failingStreak >= (retries === 0 ? DEFAULT_RETRIES : retries))
        this.status = 'unhealthy'
    }
    if (this.status !== before)
      emitContainerEvent(this.#context, this.#container, `health_status: ${this.status}`)
  }

  /** One probe; a probe that takes too long is killed and counts as failed with exit code -1. */
  async #run(): Promise<{ code: number; output: string }> {
    const container = this.#container
    const id = randomBytes(32).toString('hex')
    const timeoutMs = milliseconds(this.#config.Timeout, DEFAULT_TIMEOUT_MS)
    try {
      const { shim, cgroup } = requireRunning(container)
      if (container.status === 'paused') return { code: 0, output: 'paused' }
      const [kind, ...words] = this.#config.Test ?? []
      const shell = container.document.config.Shell ?? ['/bin/sh', '-c']
      const user = container.document.config.User ?? ''
      const process = buildExecProcess({
        config: container.document.config,
        hostConfig: container.document.hostConfig,
        exec: { Cmd: kind === 'CMD' ? words : [...shell, ...words] },
        user: await userInRunning(container, user),
      })
      const { exited, stream } = await shim.exec({
        id,
        process,
        ...filterOf(container, false),
        cgroup,
        stdin: false,
        stdout: true,
        stderr: true,
        detach: false,
      })
      let output = ''
      stream?.on('data', (chunk: Buffer) => {
        if (output.length < MOST_OUTPUT)
          output = (output + chunk.subarray(8).toString('utf8')).slice(0, MOST_OUTPUT)
      })
      stream?.on('error', () => undefined)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(resolve, timeoutMs, null)
      })
      const code = await Promise.race([exited, late])
      clearTimeout(timer)
      if (code !== null) return { code, output }
      await shim.signal(9, id)
      stream?.destroy()
      return {
        code: -1,
        output: `Health check exceeded timeout (${String(timeoutMs)}ms): ${output}`,
      }
    } catch (error) {
      return { code: -1, output: error instanceof Error ? error.message : String(error) }
    }
  }
}

function milliseconds(nanos: number | undefined, otherwise: number): number {
  return nanos === undefined || nanos === 0 ? otherwise : nanos / NANOS_PER_MS
}
