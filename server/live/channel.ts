import type { TopicName } from './protocol.ts'
import type { Change, Snapshot, Source } from './topic.ts'

/** Takes a topic's changes on behalf of one browser. */
export type Take<T extends TopicName> = (change: Change<T>) => void

/**
 * One topic with one argument: its source, and everyone who watches it.
 *
 *     idle ──first──► opening ──► open ──last leaves──► lingering ──lingerMs──► idle
 */
export class Channel<T extends TopicName> {
  readonly #makeSource: () => Source<T>
  readonly #lingerMs: number
  readonly #onIdle: () => void
  readonly #watchers = new Set<Take<T>>()
  #source: Source<T> | undefined
  #opened: Promise<Source<T>> | undefined
  #linger: NodeJS.Timeout | undefined
  #users = 0

  constructor(options: { makeSource: () => Source<T>; lingerMs: number; onIdle: () => void }) {
    this.#makeSource = options.makeSource
    this.#lingerMs = options.lingerMs
    this.#onIdle = options.onIdle
  }

  /** @returns the snapshot, after which `take` gets every change, and how to leave */
  async join(take: Take<T>): Promise<{ snapshot: Snapshot<T>; leave: () => void }> {
    clearTimeout(this.#linger)
    this.#users++
    try {
      const source = await (this.#opened ??= this.#open())
      // Between these two lines nothing can be published: no change is missed or doubled.
      const snapshot = source.snapshot()
      this.#watchers.add(take)
      let left = false
      return {
        snapshot,
        leave: () => {
          if (left) return
          left = true
          this.#watchers.delete(take)
          this.#release()
        },
      }
    } catch (error) {
      this.#opened = undefined
      this.#release()
      throw error
    }
  }

  close(): void {
    clearTimeout(this.#linger)
    this.#source?.close()
    this.#source = undefined
    this.#opened = undefined
    this.#watchers.clear()
    this.#onIdle()
  }

  async #open(): Promise<Source<T>> {
    const source = this.#makeSource()
    this.#source = source
    try {
      await source.open((change) => {
        if (this.#source !== source) return
        for (const take of this.#watchers) take(change)
      })
    } catch (error) {
      source.close()
      if (this.#source === source) this.#source = undefined
      throw error
    }
    return source
  }

  #release(): void {
    if (--this.#users > 0) return
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => {
      this.close()
    }, this.#lingerMs)
    this.#linger.unref()
  }
}
