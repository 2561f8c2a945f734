import { LogStore, type StoreChange } from './log-store.ts'
import { LogView, type ViewOptions } from './log-view.ts'

/** New rows reach the screen in batches, this far apart. */
const BATCH_MS = 150

/**
 * The store and the view of it that is on the screen. Watchers are told at most once per BATCH_MS however much comes;
 * what was changed by hand (search, wrap) is there at once.
 */
export class LogModel {
  readonly store = new LogStore()
  view: LogView
  /** Grows with every visible change. */
  version = 0
  readonly #watchers = new Set<() => void>()
  #stale = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: ViewOptions) {
    this.view = new LogView(options)
    this.store.onChange((change) => this.#take(change))
  }

  readonly watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }
  readonly getVersion = (): number => this.version

  setOptions(options: ViewOptions): void {
    this.view = new LogView(options, this.store.rows)
    this.#stale = false
    this.#tell()
  }

  setFollowing(following: boolean): void {
    if (this.store.following === following) return
    this.store.following = following
    this.store.unread = 0
    this.#tell()
  }

  /** Shows what has come without waiting for the batch. */
  flush(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#tell()
  }

  #take(change: StoreChange): void {
    if (typeof change === 'object' && 'appended' in change && !this.#stale) {
      this.view.extend(change.appended)
    } else {
      this.#stale = true
    }
    this.#timer ??= setTimeout(() => this.#tell(), BATCH_MS)
  }

  #tell(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#stale) {
      this.#stale = false
      this.view = new LogView(this.view.options, this.store.rows)
    }
    this.version++
    for (const changed of this.#watchers) changed()
  }
}
