import { asCaller, system } from '../caller.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import type { ContainerHealth } from './document.ts'
import { healthCheckOf, type HealthCheck } from './health-config.ts'
import { runProbe, type ProbeResult } from './probe.ts'

const MOST_RESULTS = 5

/** What a container's health is at its start: its log goes on, all else begins anew. */
export function healthAtStart(container: Container): ContainerHealth | undefined {
  if (!healthCheckOf(container.document.config.Healthcheck)) return undefined
  return { Status: 'starting', FailingStreak: 0, Log: container.state.health?.Log ?? [] }
}

/** What it is once the container has ended. @see moby: daemon/container/health.go */
export function healthAtEnd(container: Container): ContainerHealth | undefined {
  const { health } = container.state
  return health && { ...health, Status: 'unhealthy' }
}

/** Begins to probe a running container that has a health check; after a restart of the engine, goes on. */
export function startHealthMonitor(context: ContainersContext, container: Container): void {
  container.health?.stop()
  const check = healthCheckOf(container.document.config.Healthcheck)
  container.health = check ? new HealthMonitor(context, container, check) : null
}

/**
 * Probes one container while it runs, one probe at a time, and not while it is paused. Its health is `starting` until the
 * first success or enough failures after the start period.
 */
export class HealthMonitor {
  readonly #context: ContainersContext
  readonly #container: Container
  readonly #check: HealthCheck
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | null = null

  constructor(context: ContainersContext, container: Container, check: HealthCheck) {
    this.#context = context
    this.#container = container
    this.#check = check
    this.#schedule()
  }

  /** A probe under way is killed and counts for nothing. */
  stop(): void {
    this.#stopping.abort()
    if (this.#timer) clearTimeout(this.#timer)
  }

  /** Milliseconds since the container's start, not the engine's. */
  get #ageMs(): number {
    return Date.now() - Date.parse(this.#container.state.startedAt)
  }

  #schedule(): void {
    const { intervalMs, startIntervalMs, startPeriodMs } = this.#check
    const isStarting =
      this.#container.state.health?.Status === 'starting' && this.#ageMs < startPeriodMs
    this.#timer = setTimeout(
      () => {
        void asCaller(system('health check'), () => this.#probe())
          .catch((error: unknown) => {
            this.#context.warn(`health check of container ${this.#container.id}`, error)
          })
          .finally(() => {
            if (!this.#stopping.signal.aborted) this.#schedule()
          })
      },
      isStarting ? startIntervalMs : intervalMs,
    )
  }

  async #probe(): Promise<void> {
    const startedAfterMs = this.#ageMs
    const result = await runProbe(
      this.#context,
      this.#container,
      this.#check,
      this.#stopping.signal,
    )
    if (this.#stopping.signal.aborted) return
    await this.#judge(result, startedAfterMs < this.#check.startPeriodMs)
  }

  async #judge(result: ProbeResult, inStartPeriod: boolean): Promise<void> {
    const before = this.#container.state.health
    const health: ContainerHealth = {
      Status: before?.Status ?? 'starting',
      FailingStreak: before?.FailingStreak ?? 0,
      Log: [...(before?.Log ?? []), result].slice(-MOST_RESULTS),
    }
    if (result.ExitCode === 0) {
      health.FailingStreak = 0
      health.Status = 'healthy'
    } else if (health.Status !== 'starting' || !inStartPeriod) {
      health.FailingStreak++
      if (health.FailingStreak >= this.#check.retries) health.Status = 'unhealthy'
    }
    await this.#container.recordState({ health }, this.#context.warn, () => {
      if (health.Status !== (before?.Status ?? 'starting'))
        emitContainerEvent(this.#context, this.#container, `health_status: ${health.Status}`)
    })
  }
}
