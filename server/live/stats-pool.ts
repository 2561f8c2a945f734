import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../engine/contract.ts'
import { errorCode } from '../../engine/errors.ts'
import type { StatsSample } from './protocol.ts'
import { StatsHistory } from './stats-history.ts'
import { toStatsSample } from './stats-sample.ts'

/** Histories that are kept while nobody looks, of a hundred kilobytes at most each. */
const MOST_AT_REST = 100
const RETRY_MS = 1000

export type StatsListener = (sample: StatsSample) => void

interface Stream {
  history: StatsHistory
  listeners: Set<StatsListener>
  abort: AbortController
  /** The container has been removed. */
  gone: boolean
}

/**
 * The stats streams, one per container however many charts and lists show it. A stream goes on while anyone listens,
 * also over a stop and start of its container. What it has seen is kept for who comes again: of the time when nobody
 * listened there is nothing.
 */
export class StatsPool {
  readonly #engine: Engine
  readonly #streams = new Map<string, Stream>()
  /** Of containers that nobody looks at, those left longest ago first. */
  readonly #atRest = new Map<string, StatsHistory>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** @returns what tells the samples so far, and how to stop */
  listen(id: string, listener: StatsListener): { past: () => StatsSample[]; stop: () => void } {
    const stream = this.#streams.get(id) ?? this.#open(id)
    stream.listeners.add(listener)
    return {
      past: () => stream.history.samples(),
      stop: () => {
        stream.listeners.delete(listener)
        if (stream.listeners.size === 0 && this.#streams.get(id) === stream) this.#close(id, stream)
      },
    }
  }

  #open(id: string): Stream {
    const stream = {
      history: this.#atRest.get(id) ?? new StatsHistory(),
      listeners: new Set<StatsListener>(),
      abort: new AbortController(),
      gone: false,
    }
    this.#atRest.delete(id)
    this.#streams.set(id, stream)
    void this.#follow(id, stream)
    return stream
  }

  #close(id: string, stream: Stream): void {
    this.#streams.delete(id)
    stream.abort.abort()
    if (stream.gone) return
    this.#atRest.set(id, stream.history)
    const [oldest] = this.#atRest.keys()
    if (this.#atRest.size > MOST_AT_REST && oldest !== undefined) this.#atRest.delete(oldest)
  }

  async #follow(id: string, stream: Stream): Promise<void> {
    const { signal } = stream.abort
    while (!signal.aborted) {
      try {
        let before: StatsSample | undefined
        for await (const stats of this.#engine.containers.stats(id, { stream: true }, signal)) {
          // one that comes while the last listener goes: another stream may have the history by now
          if (signal.aborted) return
          // A stopped container is answered without the host's time. Its own may be 0 while it runs: a kernel that
          // counts by ticks has none for a process that only sleeps.
          if (!stats.cpu_stats?.system_cpu_usage) continue
          const sample = toStatsSample(stats, before)
          before = sample
          stream.history.push(sample)
          for (const listener of [...stream.listeners]) listener(sample)
        }
      } catch (error) {
        // Removed: nothing will come any more; who listens sees the container go by the containers topic.
        if (errorCode(error) === 'NOT_FOUND') {
          stream.gone = true
          return
        }
      }
      // It has stopped, or the engine is away.
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}
