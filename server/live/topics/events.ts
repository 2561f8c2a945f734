import type { Engine } from '../../../engine/contract.ts'
import type { EventMessage } from '../../../engine/types/docker.ts'
import type { EventFeed } from '../event-feed.ts'
import type { Change, Merge, Source } from '../topic.ts'

const RING = 1000
const HISTORY_SECONDS = 24 * 60 * 60
const BATCH_MS = 100

/** The engine's events: those of the last day that it remembers, then each as it comes. */
export class EventsSource implements Source<'events'> {
  readonly #engine: Engine
  readonly #feed: EventFeed
  #ring: EventMessage[] = []
  #batch: EventMessage[] = []
  #timer: NodeJS.Timeout | undefined
  #stopListening: (() => void) | undefined

  constructor(engine: Engine, feed: EventFeed) {
    this.#engine = engine
    this.#feed = feed
  }

  async open(publish: (change: Change<'events'>) => void): Promise<void> {
    let opening = true
    const early: EventMessage[] = []
    const live = (event: EventMessage): void => {
      this.#ring.push(event)
      if (this.#ring.length > RING * 2) this.#ring = this.#ring.slice(-RING)
      this.#batch.push(event)
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        publish(this.#batch.splice(0))
      }, BATCH_MS)
    }
    // Listening before history is read: an event at the seam comes twice and is dropped once.
    this.#stopListening = this.#feed.listen({
      event: (event) => {
        if (opening) early.push(event)
        else live(event)
      },
    })
    const now = Date.now() / 1000
    const past = this.#engine.system.events({ since: now - HISTORY_SECONDS, until: now })
    for await (const event of past) {
      this.#ring.push(event)
      if (this.#ring.length > RING * 2) this.#ring = this.#ring.slice(-RING)
    }
    opening = false
    const seen = new Set(this.#ring.slice(-100).map(keyOf))
    for (const event of early) if (!seen.has(keyOf(event))) live(event)
  }

  snapshot(): EventMessage[] {
    // What waits in the batch will be published to everyone who joins now: not twice.
    const published = this.#ring.length - this.#batch.length
    return this.#ring.slice(Math.max(0, published - RING), published)
  }

  close(): void {
    this.#stopListening?.()
    clearTimeout(this.#timer)
  }
}

function keyOf(event: EventMessage): string {
  return `${String(event.timeNano)} ${event.Type ?? ''} ${event.Action ?? ''} ${event.Actor?.ID ?? ''}`
}

export const mergeEvents: Merge<'events'> = (older, newer) => [...older, ...newer].slice(-RING)
