import type { LogBatch } from '@/server/live/protocol.ts'
import { plainText } from './ansi.ts'
import type { ReadLine } from './log-stream.ts'
import { normalizeTime, shiftTime } from './log-time.ts'

/** One row of the viewer. `time` is of fixed width (log-time.ts), so rows order by it. */
export type LogRow = LineRow | GapRow | MarkerRow

export interface LineRow {
  kind: 'line'
  time: string
  stream: 'stdout' | 'stderr'
  /** As printed, with colours. */
  text: string
  /** As read and searched. */
  plain: string
  /** Its newline has not come yet: the same line may come again, longer. */
  open?: boolean
}

/** Lines that exist on the server but are not here: strictly between the times of the lines around. */
export interface GapRow {
  kind: 'gap'
  time: string
  /** null when nobody counted. */
  count: number | null
}

/** Something that happened to the container. */
export interface MarkerRow {
  kind: 'marker'
  time: string
  /** When it was said to have happened, to be shown; its place in the log may be a little earlier. */
  toldAt: string
  text: string
  tone: 'good' | 'bad' | 'plain'
  /** A start is told after the first lines are printed: it goes so far (ms) before them. */
  earlierMs?: number
}

/** What changed, for views that follow cheaply: rows appended at the end, or anything. */
export type StoreChange =
  { appended: LogRow[] } | { prepended: number } | { dropped: number } | 'all'

export interface LogStoreLimits {
  /** More rows than this are not held: the oldest go (following), or arrivals are only counted (reading). */
  maxRows: number
  /** While the user reads further up, so many arrivals are kept before they are only counted. */
  maxUnread: number
}

/**
 * The rows a viewer holds: history and live lines joined by their strictly rising timestamps.
 *
 *     history ──prepend()──► [ rows ] ◄──resync(snapshot), append(batch)── live topic
 *                               ▲ fill(gap) what was skipped or missed
 */
export class LogStore {
  readonly rows: LogRow[] = []
  /** Lines held. */
  lines = 0
  /** The user follows the end; else arrivals beyond `maxUnread` collapse into a gap. */
  following = true
  /** Lines that came since the user stopped following. */
  unread = 0
  readonly #limits: LogStoreLimits
  readonly #listeners = new Set<(change: StoreChange) => void>()
  readonly #markers = new Set<string>()
  /** Up to this time lines came from history or a snapshot; live ones that old are known already. */
  #joinedUpTo = ''
  /** Lines up to this time were cleared from view and do not come back. */
  #clearedUpTo = ''

  constructor(limits: LogStoreLimits = { maxRows: 300_000, maxUnread: 50_000 }) {
    this.#limits = limits
  }

  onChange(listener: (change: StoreChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get maxRows(): number {
    return this.#limits.maxRows
  }

  get first(): LineRow | undefined {
    return this.rows.find((row): row is LineRow => row.kind === 'line')
  }

  get last(): LineRow | undefined {
    return this.rows.findLast((row): row is LineRow => row.kind === 'line')
  }

  /**
   * The server's newest lines, when the topic starts and whenever the connection comes back: those known already are
   * left out, and when they do not reach back to the last known line a gap is left between.
   */
  resync(snapshot: LogBatch): void {
    const lines = snapshot.lines.map(toRow)
    const last = this.last
    const from = last ? lines.findIndex((line) => isAfter(line, last)) : 0
    if (from < 0) return
    const reachesBack = !last || from > 0 || lines[0]?.time === last.time
    const fresh: LogRow[] = lines.slice(from)
    if (last && !reachesBack) fresh.unshift(gapAfter(last.time, snapshot.skipped || null))
    this.#push(fresh)
    this.#joinedUpTo = lines.at(-1)?.time ?? this.#joinedUpTo
  }

  /** Live lines in the order they were printed. */
  append(batch: LogBatch): void {
    const rows: LogRow[] = []
    const last = this.last
    if (batch.skipped > 0 && last) rows.push(gapAfter(last.time, batch.skipped))
    for (const line of batch.lines) {
      const row = toRow(line)
      if (row.time > this.#joinedUpTo) rows.push(row)
      else if (this.#closesLast(row)) rows.push(row)
    }
    this.#push(rows)
  }

  #push(rows: LogRow[]): void {
    const arrived = this.#clearedUpTo === '' ? rows : rows.filter((r) => r.time > this.#clearedUpTo)
    if (arrived.length === 0) return
    if (this.#replaceOpen(arrived)) return
    const lines = arrived.reduce((n, row) => n + linesIn(row), 0)
    if (!this.following) {
      this.unread += lines
      if (this.unread > this.#limits.maxUnread) {
        this.#count(lines)
        return
      }
    }
    this.lines += arrived.reduce((n, row) => n + (row.kind === 'line' ? 1 : 0), 0)
    const later = this.#takeLaterMarkers(arrived[0]?.time ?? '')
    for (const row of mergeByTime(arrived, later)) this.rows.push(row)
    this.#emit(later.length === 0 ? { appended: arrived } : 'all')
    if (this.following) this.#trim()
  }

  /** Events overtake the lines printed before them: such markers at the end are taken out, to be put in again. */
  #takeLaterMarkers(time: string): LogRow[] {
    let at = this.rows.length
    while (this.rows[at - 1]?.kind === 'marker' && (this.rows[at - 1]?.time ?? '') > time) at--
    return this.rows.splice(at)
  }

  /** Arrivals that are only counted, as a gap at the end. */
  #count(lines: number): void {
    const end = this.rows.at(-1)
    if (end?.kind === 'gap') {
      this.rows[this.rows.length - 1] = { ...end, count: (end.count ?? 0) + lines }
      this.#emit('all')
    } else {
      const gap = gapAfter(end?.time ?? '', lines)
      this.rows.push(gap)
      this.#emit({ appended: [gap] })
    }
  }

  #closesLast(row: LineRow): boolean {
    const end = this.rows.at(-1)
    return end?.kind === 'line' && end.open === true && end.time === row.time
  }

  /** A line known without its newline comes whole. */
  #replaceOpen(arrived: LogRow[]): boolean {
    const first = arrived[0]
    if (first?.kind !== 'line' || !this.#closesLast(first)) return false
    this.rows[this.rows.length - 1] = first
    this.#emit('all')
    if (arrived.length > 1) this.#push(arrived.slice(1))
    return true
  }

  #trim(): void {
    const over = this.rows.length - this.#limits.maxRows
    if (over <= 0) return
    const drop = over + Math.floor(this.#limits.maxRows / 10)
    for (const row of this.rows.splice(0, drop)) if (row.kind === 'line') this.lines--
    this.#emit({ dropped: drop })
  }

  /**
   * Older lines from history, oldest first; those from the first known one on are left out, and so
   * are the oldest when there is no room. Returns how many were new.
   */
  prepend(lines: ReadLine[]): number {
    const first = this.first
    let rows: LineRow[] = []
    for (const line of lines) {
      const row = toRow(line)
      if (first && row.time >= first.time) break
      if (row.time > this.#clearedUpTo) rows.push(row)
    }
    rows = rows.slice(Math.max(0, rows.length + this.rows.length - this.#limits.maxRows))
    if (rows.length === 0) return 0
    if (!first) this.#joinedUpTo = rows.at(-1)?.time ?? ''
    const markers = this.rows.filter((row) => row.kind === 'marker')
    const oldest = rows[0]?.time ?? ''
    // Markers older than what was known stood at the top; their place is now among the new rows.
    const misplaced = markers.filter((marker) => !first || marker.time < first.time)
    if (misplaced.length === 0) {
      spliceMany(this.rows, 0, 0, rows)
      this.lines += rows.length
      this.#emit({ prepended: rows.length })
      return rows.length
    }
    const merged = mergeByTime(
      rows,
      misplaced.filter((marker) => marker.time >= oldest),
    )
    spliceMany(this.rows, 0, misplaced.length, merged)
    this.lines += rows.length
    this.#emit('all')
    return rows.length
  }

  /** Puts the missing lines in a gap's place. */
  fill(gap: GapRow, lines: ReadLine[]): void {
    const at = this.rows.indexOf(gap)
    if (at < 0) return
    const before = this.rows.slice(0, at).findLast((row) => row.kind === 'line')?.time ?? ''
    const after = this.rows.slice(at + 1).find((row) => row.kind === 'line')?.time
    const rows = lines
      .map(toRow)
      .filter((row) => row.time > before && (after === undefined || row.time < after))
    this.lines += rows.length
    spliceMany(this.rows, at, 1, rows)
    if (after === undefined) this.#joinedUpTo = rows.at(-1)?.time ?? this.#joinedUpTo
    this.#emit('all')
  }

  /** The times between which a gap's lines lie; `until` is absent at the end. */
  around(gap: GapRow): { since: string; until?: string } {
    const at = this.rows.indexOf(gap)
    const until = this.rows.slice(at + 1).find((row) => row.kind === 'line')?.time
    return until === undefined ? { since: gap.time } : { since: gap.time, until }
  }

  /** Marks a moment of the container's life; the same one only once. */
  mark(told: MarkerRow): void {
    const key = `${told.toldAt} ${told.text}`
    if (this.#markers.has(key) || told.time <= this.#clearedUpTo) return
    this.#markers.add(key)
    const marker = this.#settle(told)
    let at = this.rows.length
    while (at > 0 && (this.rows[at - 1]?.time ?? '') > marker.time) at--
    const before = this.rows[at - 1]
    // One lack of memory may be told several times.
    if (before?.kind === 'marker' && before.text === marker.text) return
    if (at === this.rows.length) {
      this.rows.push(marker)
      this.#emit({ appended: [marker] })
    } else {
      this.rows.splice(at, 0, marker)
      this.#emit('all')
    }
  }

  /** Goes back from when it was told, but not to before what happened last. */
  #settle(marker: MarkerRow): MarkerRow {
    if (marker.earlierMs === undefined) return marker
    const earlier = shiftTime(marker.time, -marker.earlierMs)
    const before = this.rows.findLast((row) => row.kind === 'marker' && row.time <= marker.time)
    return {
      ...marker,
      time: before !== undefined && before.time > earlier ? before.time : earlier,
    }
  }

  /** Empties the view; the log itself stays, and `restore` brings it back. */
  clear(): void {
    this.#clearedUpTo = this.rows.at(-1)?.time ?? this.#clearedUpTo
    this.rows.length = 0
    this.lines = 0
    this.unread = 0
    this.#emit('all')
  }

  get cleared(): boolean {
    return this.#clearedUpTo !== ''
  }

  /** Lets cleared lines be loaded again. */
  restore(): void {
    this.#clearedUpTo = ''
    this.#markers.clear()
    this.#emit('all')
  }

  #emit(change: StoreChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function toRow(line: ReadLine): LineRow {
  const row: LineRow = {
    kind: 'line',
    time: normalizeTime(line.time),
    stream: line.stream,
    text: line.text,
    plain: plainText(line.text),
  }
  if (line.open) row.open = true
  return row
}

function isAfter(line: LineRow, last: LineRow): boolean {
  return line.time > last.time || (line.time === last.time && last.open === true)
}

function gapAfter(time: string, count: number | null): GapRow {
  return { kind: 'gap', time, count }
}

function linesIn(row: LogRow): number {
  return row.kind === 'line' ? 1 : row.kind === 'gap' ? (row.count ?? 0) : 0
}

function mergeByTime(lines: LogRow[], markers: LogRow[]): LogRow[] {
  if (markers.length === 0) return lines
  const merged: LogRow[] = []
  let m = 0
  for (const line of lines) {
    for (let marker = markers[m]; marker && marker.time <= line.time; marker = markers[++m]) {
      merged.push(marker)
    }
    merged.push(line)
  }
  return merged.concat(markers.slice(m))
}

/** `splice` with more items than fit on the argument stack. */
function spliceMany<T>(array: T[], at: number, remove: number, items: T[]): void {
  const tail = array.slice(at + remove)
  array.length = at
  for (const item of items) array.push(item)
  for (const item of tail) array.push(item)
}
