import type { EventFeed } from '../event-feed.ts'
import type { Change, Merge, Source } from '../topic.ts'

const BATCH_MS = 100
const TYPES = ['image', 'network', 'volume'] as const

/** That something among images, networks or volumes is not as it was. */
export class ChangesSource implements Source<'changes'> {
  readonly #feed: EventFeed
  readonly #dirty = new Set<(typeof TYPES)[number]>()
  #timer: NodeJS.Timeout | undefined
  #stopListening: (() => void) | undefined

  constructor(feed: EventFeed) {
    this.#feed = feed
  }

  open(publish: (change: Change<'changes'>) => void): Promise<void> {
    const changed = (types: readonly (typeof TYPES)[number][]): void => {
      for (const type of types) this.#dirty.add(type)
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        publish([...this.#dirty].map((type) => ({ type })))
        this.#dirty.clear()
      }, BATCH_MS)
    }
    this.#stopListening = this.#feed.listen({
      event: ({ Type, Action }) => {
        const own = TYPES.find((type) => type === Type)
        if (own) changed([own])
        // A container made or removed changes what uses an image or a volume.
        else if (Type === 'container' && (Action === 'create' || Action === 'destroy'))
          changed(TYPES)
      },
      resync: () => {
        changed(TYPES)
      },
    })
    return Promise.resolve()
  }

  snapshot(): null {
    return null
  }

  close(): void {
    this.#stopListening?.()
    clearTimeout(this.#timer)
  }
}

export const mergeChanges: Merge<'changes'> = (older, newer) =>
  [...new Set([...older, ...newer].map(({ type }) => type))].map((type) => ({ type }))
