import type { BuildRecord } from '@/engine/contract/builds.ts'
import type { BuildLine } from '@/server/live/protocol.ts'
import { api, failureText } from '@/components/engine/client.ts'
import type { LiveClient } from '@/components/live/client.ts'
import { plainText } from '@/components/logs/ansi.ts'
import { MOST_LINES } from '@/server/api/schemas/build-lines.ts'

/** A line that a step printed. The object stays the same for as long as it is held. */
export interface LineRow extends BuildLine {
  kind: 'line'
  /** The text without colours. */
  plain: string
}

/** A build at one moment; another object whenever anything is different. */
export interface BuildState {
  build: BuildRecord | undefined
  error: string | null
  /** Lines from the beginning that are not read here. */
  omitted: number
  /** Printed so far. */
  lines: number
  linesOf: (step: string) => readonly LineRow[]
}

/**
 * One build as it goes on: its record, and its lines by their steps. Lines that the live topic left out (older than its
 * snapshot, or too many at once) are asked for by their numbers.
 */
export class BuildStore {
  readonly #id: string
  readonly #live: LiveClient
  readonly #steps = new Map<string, LineRow[]>()
  readonly #watchers = new Set<() => void>()
  readonly #linesOf = (step: string): readonly LineRow[] => this.#steps.get(step) ?? []
  #stop: (() => void) | undefined
  /** The number that the next line has. */
  #next = 0
  #state: BuildState

  constructor(id: string, live: LiveClient) {
    this.#id = id
    this.#live = live
    this.#state = { build: undefined, error: null, omitted: 0, lines: 0, linesOf: this.#linesOf }
  }

  readonly get = (): BuildState => this.#state

  /** Follows the build for as long as anyone watches. */
  readonly watch = (changed: () => void): (() => void) => {
    this.#watchers.add(changed)
    this.#stop ??= this.#live.listen('build', this.#id, {
      snapshot: ({ build, lines, total }) => this.#take(lines, total, { build, error: null }),
      change: ({ build, lines, total }) => {
        const known = this.#state.build
        this.#take(lines, total, build && known ? { build: { ...known, ...build } } : {})
      },
      error: (error) => this.#set({ error }),
    })
    return () => {
      this.#watchers.delete(changed)
      if (this.#watchers.size > 0) return
      this.#stop?.()
      this.#stop = undefined
    }
  }

  #take(lines: BuildLine[], total: number, change: Partial<BuildState>): void {
    const fresh = lines.filter(({ n }) => n >= this.#next)
    const first = fresh[0]?.n ?? total
    if (first > this.#next) void this.#fill(this.#next, first)
    this.#next = Math.max(this.#next, total)
    for (const line of fresh) this.#push(line)
    this.#set(change)
  }

  #push(line: BuildLine): void {
    const row: LineRow = { ...line, kind: 'line', plain: plainText(line.text) }
    const rows = this.#steps.get(line.step)
    if (rows) rows.push(row)
    else this.#steps.set(line.step, [row])
  }

  async #fill(from: number, to: number): Promise<void> {
    // of more the newest
    const begin = Math.max(from, to - MOST_LINES)
    const omitted = this.#state.omitted + (begin - from)
    try {
      const { lines } = await api.get<{ lines: BuildLine[] }>(
        `/api/builds/${this.#id}/lines?from=${begin}&to=${to}`,
      )
      for (const line of lines) this.#push(line)
      // newer ones of the same step came before them
      for (const step of new Set(lines.map((line) => line.step)))
        this.#steps.get(step)?.sort((a, b) => a.n - b.n)
      this.#set({ omitted })
    } catch (error) {
      this.#set({ error: failureText(error) })
    }
  }

  #set(change: Partial<BuildState>): void {
    this.#state = { ...this.#state, lines: this.#next, ...change }
    for (const changed of this.#watchers) changed()
  }
}
