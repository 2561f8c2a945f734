import type { Engine } from '../../../engine/contract.ts'
import type { ContainerSummary } from '../../../engine/types/docker.ts'
import type { EventFeed } from '../event-feed.ts'
import type { Change, Merge, Source } from '../topic.ts'

/** Events come in bursts (create, start, connect): read once for all of them. */
const DEBOUNCE_MS = 50
/** "Up 5 minutes" ages without any event. */
const REFRESH_MS = 30_000
/** Events that change nothing a list shows. */
const QUIET =
  /^(exec_|attach|resize|top|copy|export|archive-path|extract-to-dir|rename-path|remove-path)/

/** The list of all containers, read again when something happened, row by row compared with what is known. */
export class ContainersSource implements Source<'containers'> {
  readonly #engine: Engine
  readonly #feed: EventFeed
  #rows = new Map<string, { row: ContainerSummary; text: string }>()
  #publish: (change: Change<'containers'>) => void = () => undefined
  #stopListening: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #refresh: NodeJS.Timeout | undefined
  #reading = false
  #again = false
  #closed = false

  constructor(engine: Engine, feed: EventFeed) {
    this.#engine = engine
    this.#feed = feed
  }

  async open(publish: (change: Change<'containers'>) => void): Promise<void> {
    // Listening first: what happens during the first reading is read again.
    this.#stopListening = this.#feed.listen({
      event: (event) => {
        const affects = event.Type === 'container' || event.Type === 'network'
        if (affects && !QUIET.test(event.Action ?? '')) this.#soon()
      },
      resync: () => {
        this.#soon()
      },
    })
    this.#compare(await this.#engine.containers.list({ all: true }))
    this.#publish = publish
    this.#refresh = setInterval(() => {
      this.#soon()
    }, REFRESH_MS)
    this.#refresh.unref()
  }

  snapshot(): ContainerSummary[] {
    return [...this.#rows.values()].map(({ row }) => row)
  }

  close(): void {
    this.#closed = true
    this.#stopListening?.()
    clearTimeout(this.#timer)
    clearInterval(this.#refresh)
  }

  #soon(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#read()
    }, DEBOUNCE_MS)
  }

  async #read(): Promise<void> {
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    try {
      const change = this.#compare(await this.#engine.containers.list({ all: true }))
      if (!this.#closed && (change.changed.length > 0 || change.removed.length > 0)) {
        this.#publish(change)
      }
    } catch {
      // The engine is away: the next event or refresh reads again.
    } finally {
      this.#reading = false
      if (this.#again) {
        this.#again = false
        this.#soon()
      }
    }
  }

  #compare(rows: ContainerSummary[]): Change<'containers'> {
    const next = new Map<string, { row: ContainerSummary; text: string }>()
    const changed: ContainerSummary[] = []
    for (const row of rows) {
      if (row.Id === undefined) continue
      const text = JSON.stringify(row)
      next.set(row.Id, { row, text })
      if (this.#rows.get(row.Id)?.text !== text) changed.push(row)
    }
    const removed = [...this.#rows.keys()].filter((id) => !next.has(id))
    this.#rows = next
    return { changed, removed }
  }
}

export const mergeContainers: Merge<'containers'> = (older, newer) => {
  const rows = new Map(older.changed.map((row) => [row.Id, row]))
  const removed = new Set(older.removed)
  for (const id of newer.removed) {
    rows.delete(id)
    removed.add(id)
  }
  for (const row of newer.changed) {
    rows.set(row.Id, row)
    if (row.Id !== undefined) removed.delete(row.Id)
  }
  return { changed: [...rows.values()], removed: [...removed] }
}
