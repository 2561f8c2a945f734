import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../engine/contract.ts'
import { errorCode } from '../../engine/errors.ts'
import type { StatsSample } from './protocol.ts'
import { toStatsSample } from './stats-sample.ts'

/** Five minutes of one sample a second. */
const RING = 300
const RETRY_MS = 1000

export type StatsListener = (sample: StatsSample) => void

interface Stream {
  ring: StatsSample[]
  listeners: Set<StatsListener>
  abort: AbortController
}

/**
 * The stats streams, one per container however many charts and lists show it. A stream goes on while anyone listens,
 * also over a stop and start of its container.
 */
export class StatsPool {
  readonly #engine: Engine
  readonly #streams = new Map<string, Stream>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** @returns the samples so far (the stream's own array: to read at once), and how to stop */
  listen(id: string, listener: StatsListener): { past: readonly StatsSample[]; stop: () => void } {
    let stream = this.#streams.get(id)
    if (!stream) {
      stream = { ring: [], listeners: new Set(), abort: new AbortController() }
      this.#streams.set(id, stream)
      void this.#follow(id, stream)
    }
    const joined = stream
    joined.listeners.add(listener)
    return {
      past: joined.ring,
      stop: () => {
        joined.listeners.delete(listener)
        if (joined.listeners.size > 0 || this.#streams.get(id) !== joined) return
        this.#streams.delete(id)
        joined.abort.abort()
      },
    }
  }

  async #follow(id: string, stream: Stream): Promise<void> {
    const { signal } = stream.abort
    while (!signal.aborted) {
      try {
        let before: StatsSample | undefined
        for await (const stats of this.#engine.containers.stats(id, { stream: true }, signal)) {
          // A stopped container is answered without the host's time. Its own may be 0 while it runs: a kernel that
          // counts by ticks has none for a process that only sleeps.
          if (!stats.cpu_stats?.system_cpu_usage) continue
          const sample = toStatsSample(stats, before)
          before = sample
          stream.ring.push(sample)
          if (stream.ring.length > RING) stream.ring.shift()
          for (const listener of [...stream.listeners]) listener(sample)
        }
      } catch (error) {
        // Removed: nothing will come any more; who listens sees the container go by the containers topic.
        if (errorCode(error) === 'NOT_FOUND') return
      }
      // It has stopped, or the engine is away.
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}
