import type { EventMessage } from '@/engine/types/docker.ts'
import type { LiveClient } from '@/components/live/client.ts'
import { readHistory } from './history.ts'
import type { LogModel } from './log-model.ts'
import type { GapRow, MarkerRow } from './log-store.ts'
import type { ReadLine } from './log-stream.ts'
import { timeFromNanos } from './log-time.ts'

/** Lines read when the viewer opens; each "older" step doubles what is held. */
const FIRST_TAIL = 1000
/** Engines tell of a start when the process has already begun to print. */
const START_TOLD_LATE_MS = 300

export interface SourceState {
  /** The first lines are on their way. */
  loading: boolean
  /** Older lines are on their way. */
  loadingOlder: boolean
  /** The log's very first line is here. */
  complete: boolean
  /** What went wrong last, in the engine's words. */
  error: string | null
}

/**
 * Feeds a model from both sources: the live topic for what is printed from now on, stored history for what was before.
 *
 *     listen 'logs' ──snapshot──► store.resync ──change──► store.append
 *     history tail=N ─(older than the snapshot)─► store.prepend
 *     listen 'events' ──start, die, oom…──► store.mark
 */
export class LogSource {
  state: SourceState = { loading: true, loadingOlder: false, complete: false, error: null }
  readonly #model: LogModel
  readonly #containerId: string
  readonly #tty: boolean
  readonly #onState: () => void
  readonly #closed = new AbortController()
  readonly #stops: (() => void)[] = []
  #begun = false

  constructor(
    options: { containerId: string; tty: boolean; model: LogModel; live: LiveClient },
    onState: () => void,
  ) {
    this.#model = options.model
    this.#containerId = options.containerId
    this.#tty = options.tty
    this.#onState = onState
    const { store } = this.#model
    this.#stops.push(
      store.onChange((change) => {
        const lost = typeof change === 'object' ? 'dropped' in change : store.lines === 0
        if (lost && this.state.complete) this.#set({ complete: false })
      }),
      options.live.listen('logs', this.#containerId, {
        snapshot: (batch) => {
          store.resync(batch)
          this.#begin()
        },
        change: (batch) => store.append(batch),
        error: (error) => {
          // A container that never ran or is gone has no live lines, but may have stored ones.
          this.#set({ error })
          this.#begin()
        },
      }),
      options.live.listen('events', '', {
        snapshot: (events) => this.#mark(events),
        change: (events) => this.#mark(events),
      }),
    )
  }

  close(): void {
    this.#closed.abort()
    for (const stop of this.#stops) stop()
  }

  /** Reads as many older lines as there are lines here, or as many as the store holds. */
  async loadOlder(how: 'more' | 'all' = 'more'): Promise<void> {
    const { store } = this.#model
    if (this.state.loadingOlder || this.state.complete) return
    this.#set({ loadingOlder: true, error: null })
    const held = store.lines
    const wanted =
      how === 'all' ? store.maxRows : Math.min(store.maxRows, Math.max(FIRST_TAIL, held) * 2)
    try {
      const stopAt = store.first?.time
      const older: ReadLine[] = []
      await readHistory(
        this.#containerId,
        this.#tty,
        { tail: wanted, ...(stopAt === undefined ? {} : { stopAt }) },
        (lines) => {
          for (const line of lines) older.push(line)
        },
        this.#closed.signal,
      )
      const known = stopAt === undefined ? older.length : older.findIndex((l) => l.time >= stopAt)
      const fresh = known < 0 ? older.length : known
      store.prepend(older)
      this.#model.flush()
      const complete = fresh === 0 || fresh + held < wanted
      this.#set({ loadingOlder: false, loading: false, complete })
    } catch (error) {
      this.#fail(error, { loadingOlder: false, loading: false })
    }
  }

  /** Reads the lines of a gap. */
  async loadGap(gap: GapRow): Promise<void> {
    const { store } = this.#model
    const { since, until } = store.around(gap)
    try {
      const missing: ReadLine[] = []
      await readHistory(
        this.#containerId,
        this.#tty,
        { tail: 'all', since, ...(until === undefined ? {} : { until, stopAt: until }) },
        (lines) => {
          for (const line of lines) missing.push(line)
        },
        this.#closed.signal,
      )
      store.fill(gap, missing)
      this.#model.flush()
    } catch (error) {
      this.#fail(error, {})
    }
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    void this.#readFirst()
  }

  async #readFirst(): Promise<void> {
    const { store } = this.#model
    // The snapshot alone already fills the screen.
    if (store.lines > 0) {
      this.#model.flush()
      this.#set({ loading: false })
    }
    if (store.lines < FIRST_TAIL) await this.#readTail()
    else this.#set({ loading: false })
  }

  async #readTail(): Promise<void> {
    const { store } = this.#model
    try {
      const lines: ReadLine[] = []
      await readHistory(
        this.#containerId,
        this.#tty,
        { tail: FIRST_TAIL },
        (some) => {
          for (const line of some) lines.push(line)
        },
        this.#closed.signal,
      )
      store.prepend(lines)
      this.#model.flush()
      this.#set({ loading: false, complete: lines.length < FIRST_TAIL })
    } catch (error) {
      this.#fail(error, { loading: false })
    }
  }

  #mark(events: EventMessage[]): void {
    for (const event of events) {
      const marker = markerOf(event, this.#containerId)
      if (marker) this.#model.store.mark(marker)
    }
  }

  #fail(error: unknown, change: Partial<SourceState>): void {
    if (this.#closed.signal.aborted) return
    this.#set({ ...change, error: error instanceof Error ? error.message : String(error) })
  }

  #set(change: Partial<SourceState>): void {
    this.state = { ...this.state, ...change }
    if (!this.#closed.signal.aborted) this.#onState()
  }
}

/** What of a container's life stands between its lines. */
function markerOf(event: EventMessage, containerId: string): MarkerRow | null {
  if (event.Type !== 'container' || event.Actor?.ID !== containerId) return null
  const nanos = event.timeNano ?? (event.time ?? 0) * 1e9
  const time = timeFromNanos(nanos)
  const exitCode = event.Actor.Attributes?.['exitCode']
  const marker = (text: string, tone: MarkerRow['tone']): MarkerRow => {
    return { kind: 'marker', time, toldAt: time, text, tone }
  }
  switch (event.Action) {
    case 'start':
      return { ...marker('Container started', 'good'), earlierMs: START_TOLD_LATE_MS }
    case 'die': {
      const how = exitCode === undefined ? '' : ` with exit code ${exitCode}`
      return marker(`Container ended${how}`, exitCode === '0' ? 'plain' : 'bad')
    }
    case 'oom':
      return marker('Out of memory: a process was killed', 'bad')
    case 'pause':
      return marker('Container paused', 'plain')
    case 'unpause':
      return marker('Container resumed', 'plain')
    default:
      return null
  }
}
