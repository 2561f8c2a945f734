import { NotFoundError } from '../errors.ts'
import type { Caller } from '../contract.ts'
import type { ExecConfig } from '../contract/execs.ts'

/** A command prepared, running or ended in a container. */
export interface Exec {
  id: string
  containerId: string
  config: ExecConfig
  createdBy: Caller | undefined
  state: 'created' | 'running' | 'ended'
  pid: number
  exitCode: number | null
}

/** How long the exit code of an ended exec can still be asked for, as with Docker. */
const REMEMBERED_MS = 5 * 60_000
/** Of all containers together; a health check or a cron job by exec may end many in that time. */
const MOST_ENDED = 10_000
/** Prepared in one container and not started: the oldest gives way. Docker keeps all until the container ends. */
const MOST_PREPARED = 1_000

/** All execs of this engine by ID; never more of them than what runs and the bounds above. */
export class ExecTable {
  readonly #execs = new Map<string, Exec>()
  /** Prepared or running, by container, the oldest first. */
  readonly #live = new Map<string, Set<Exec>>()
  /** The oldest first, with the moment of its end. */
  readonly #ended = new Map<Exec, number>()
  #sweeper: NodeJS.Timeout | null = null

  add(exec: Exec): Exec {
    const live = this.#live.get(exec.containerId) ?? new Set()
    this.#live.set(exec.containerId, live)
    if (exec.state === 'created') this.#makeRoom(live)
    live.add(exec)
    this.#execs.set(exec.id, exec)
    return exec
  }

  /** @throws NOT_FOUND in Docker's words */
  get(id: string): Exec {
    const exec = this.#execs.get(id)
    if (!exec) throw new NotFoundError(`No such exec instance: ${id}`)
    return exec
  }

  idsOf(containerId: string): string[] {
    return [...(this.#live.get(containerId) ?? [])].map((exec) => exec.id)
  }

  runningIn(containerId: string): Exec[] {
    return [...(this.#live.get(containerId) ?? [])].filter(({ state }) => state === 'running')
  }

  end(exec: Exec, exitCode: number): void {
    exec.state = 'ended'
    exec.exitCode = exitCode
    this.#live.get(exec.containerId)?.delete(exec)
    this.#ended.set(exec, Date.now())
    if (this.#ended.size > MOST_ENDED) this.#forgetOldest()
    this.#sweeper ??= setInterval(() => {
      this.#sweep()
    }, 10_000).unref()
  }

  /** The container has ended: what was prepared in it cannot be started any more. */
  forgetPrepared(containerId: string): void {
    for (const exec of this.#live.get(containerId) ?? [])
      if (exec.state === 'created') this.#forget(exec)
  }

  forgetContainer(containerId: string): void {
    for (const exec of this.#execs.values())
      if (exec.containerId === containerId) this.#forget(exec)
    this.#live.delete(containerId)
  }

  #makeRoom(live: Set<Exec>): void {
    const prepared = [...live].filter((exec) => exec.state === 'created')
    const [oldest] = prepared
    if (oldest && prepared.length >= MOST_PREPARED) this.#forget(oldest)
  }

  #forget(exec: Exec): void {
    this.#execs.delete(exec.id)
    this.#live.get(exec.containerId)?.delete(exec)
    this.#ended.delete(exec)
  }

  #forgetOldest(): void {
    for (const exec of this.#ended.keys()) {
      this.#forget(exec)
      return
    }
  }

  #sweep(): void {
    const now = Date.now()
    for (const [exec, endedAt] of this.#ended) {
      if (now - endedAt < REMEMBERED_MS) break
      this.#forget(exec)
    }
    if (this.#ended.size > 0 || !this.#sweeper) return
    clearInterval(this.#sweeper)
    this.#sweeper = null
  }
}
