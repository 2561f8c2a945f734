import { setTimeout as sleep } from 'node:timers/promises'
import type { EventMessage } from '../../engine/types/docker.ts'
import type { Engine } from '../../engine/contract.ts'

const RETRY_MS = 1000

export interface EventListener {
  event: (event: EventMessage) => void
  /** The stream broke and is there again: what happened between is not known. */
  resync?: () => void
}

/** The engine's events, one stream however many listen; open while anyone does. */
export class EventFeed {
  readonly #engine: Engine
  readonly #listeners = new Set<EventListener>()
  #abort: AbortController | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener)
    if (!this.#abort) {
      this.#abort = new AbortController()
      void this.#follow(this.#abort.signal)
    }
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#abort?.abort()
      this.#abort = undefined
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      try {
        const events = this.#engine.system.events({}, signal)
        if (round > 0) for (const listener of this.#listeners) listener.resync?.()
        for await (const event of events) {
          for (const listener of [...this.#listeners]) listener.event(event)
        }
      } catch {
        // The engine is away (a remote one restarts): tried again below, then everyone reads anew.
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}
