import type { CgroupStats } from '../cgroups/stats.ts'
import { emptyStats, toDockerStats } from '../cgroups/docker-stats.ts'
import type { StatsOptions } from '../contract/containers.ts'
import { errorCode } from '../errors.ts'
import type { ContainerStatsResponse } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { isRunning } from './state.ts'

const PERIOD_MS = 1000

/**
 * Samples containers once a second while anyone watches them: one timer for all, one reading per container however
 * many watch it.
 */
export class StatsSampler {
  readonly #watched = new Map<
    Container,
    {
      listeners: Set<(sample: ContainerStatsResponse) => void>
      previous: CgroupStats | null
      /** That it cannot be sampled was told. */
      isTold: boolean
    }
  >()
  readonly #warn: (message: string, error: unknown) => void
  readonly #read: (
    container: Container,
    previous: CgroupStats | null,
  ) => { raw: CgroupStats; sample: ContainerStatsResponse }
  #timer: NodeJS.Timeout | null = null

  constructor(
    read: (
      container: Container,
      previous: CgroupStats | null,
    ) => { raw: CgroupStats; sample: ContainerStatsResponse },
    warn: (message: string, error: unknown) => void,
  ) {
    this.#read = read
    this.#warn = warn
  }

  /** Calls back with each sample until the returned function is called. */
  watch(container: Container, listener: (sample: ContainerStatsResponse) => void): () => void {
    let entry = this.#watched.get(container)
    if (!entry)
      this.#watched.set(
        container,
        (entry = { listeners: new Set(), previous: null, isTold: false }),
      )
    entry.listeners.add(listener)
    this.#timer ??= setInterval(() => {
      this.#tick()
    }, PERIOD_MS)
    return () => {
      entry.listeners.delete(listener)
      if (entry.listeners.size === 0) {
        this.#watched.delete(container)
        // ten files a container: with a thousand of them more than some hosts let a process have open
        container.cgroup?.closeStats()
      }
      if (this.#watched.size === 0 && this.#timer) {
        clearInterval(this.#timer)
        this.#timer = null
      }
    }
  }

  isWatched(container: Container): boolean {
    return this.#watched.has(container)
  }

  /** Gives the first sample of a newly watched container something to be compared with. */
  seed(container: Container, previous: CgroupStats): void {
    const entry = this.#watched.get(container)
    if (entry) entry.previous ??= previous
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
    this.#watched.clear()
  }

  #tick(): void {
    for (const [container, entry] of this.#watched) {
      if (!container.cgroup) {
        // nothing runs: clients that wait for the next sample see that
        entry.previous = null
        for (const listener of entry.listeners) listener(statsOfStopped(container))
        continue
      }
      try {
        const { raw, sample } = this.#read(container, entry.previous)
        entry.previous = raw
        entry.isTold = false
        for (const listener of entry.listeners) listener(sample)
      } catch (error) {
        entry.previous = null
        // its cgroup went away between the check and the reading: it has just ended
        if (errorCode(error) === 'NOT_FOUND' || entry.isTold) continue
        entry.isTold = true
        this.#warn(`container ${container.id} cannot be sampled`, error)
      }
    }
  }
}

/** One reading of a running container. */
export function readStats(
  context: ContainersContext,
  container: Container,
  previous: CgroupStats | null,
): { raw: CgroupStats; sample: ContainerStatsResponse } {
  if (!container.cgroup) throw new Error(`container ${container.id} has no cgroup`)
  const raw = container.cgroup.stats()
  return {
    raw,
    sample: toDockerStats({
      id: container.id,
      name: `/${container.name}`,
      previous,
      current: raw,
      networks: context.networks.sandboxes.stats(container.id),
    }),
  }
}

function statsOfStopped({ id, name }: Container): ContainerStatsResponse {
  return emptyStats({ id, name: `/${name}` })
}

/**
 * Samples of one container: a single one, or one a second. A slow reader gets the newest, not all.
 *
 * @see GET /containers/{id}/stats
 */
export async function* containerStats(
  context: ContainersContext,
  container: Container,
  options: StatsOptions = {},
  signal?: AbortSignal,
): AsyncGenerator<ContainerStatsResponse> {
  const stream = options.stream ?? true
  if (!isRunning(container.status)) {
    yield statsOfStopped(container)
    if (!stream) return
  }
  if (!stream && options.oneShot === true && container.cgroup) {
    const { sample } = readStats(context, container, null)
    if (!context.sampler.isWatched(container)) container.cgroup.closeStats()
    yield sample
    return
  }
  let newest: ContainerStatsResponse | null = null
  let wake: () => void = () => undefined
  let ended = signal?.aborted ?? false
  const end = (): void => {
    ended = true
    wake()
  }
  // the first sample of a stream comes at once, with nothing to compare it to
  let first: CgroupStats | null = null
  if (container.cgroup) {
    const { raw, sample } = readStats(context, container, null)
    first = raw
    if (stream) newest = sample
  }
  const unwatch = context.sampler.watch(container, (sample) => {
    newest = sample
    wake()
  })
  if (first) context.sampler.seed(container, first)
  signal?.addEventListener('abort', end, { once: true })
  container.events.once('removed', end)
  try {
    while (!ended) {
      if (newest) {
        const sample: ContainerStatsResponse = newest
        newest = null
        yield sample
        if (!stream) return
        continue
      }
      if (!stream && !isRunning(container.status)) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  } finally {
    unwatch()
    signal?.removeEventListener('abort', end)
    container.events.off('removed', end)
  }
}
