import type { LogRow } from './log-store.ts'

export interface ViewOptions {
  streams: { stdout: boolean; stderr: boolean }
  search: RegExp | null
  /** Only rows that match; else all, with matches to jump between. */
  filter: boolean
  /** Characters a line has room for; null when long lines are not wrapped. */
  columns: number | null
}

/**
 * The rows a viewer shows and where they lie: what passes the stream choice and the filter, which of them match the
 * search, and how many screen lines each takes (a fixed-width font wraps at a known column, so nothing is measured).
 * New rows cost what they are; only changed options go over everything.
 */
export class LogView {
  readonly options: ViewOptions
  rows: LogRow[] = []
  /** Indices into `rows`, rising. */
  matches: number[] = []
  /** Screen lines up to and with each row; null when every row takes one. */
  #ends: number[] | null

  constructor(options: ViewOptions, rows: readonly LogRow[] = []) {
    this.options = options
    this.#ends = options.columns === null ? null : []
    this.extend(rows)
  }

  /** Adds rows at the end; says how many of them are shown. */
  extend(rows: readonly LogRow[]): number {
    const before = this.rows.length
    const { streams, search, filter, columns } = this.options
    let end = this.#ends?.at(-1) ?? 0
    for (const row of rows) {
      let matches = false
      if (row.kind === 'line') {
        if (!streams[row.stream]) continue
        matches = search !== null && testFrom(search, row.plain)
        if (filter && search !== null && !matches) continue
      }
      if (matches) this.matches.push(this.rows.length)
      this.rows.push(row)
      if (this.#ends && columns !== null) {
        end += screenLines(row, columns)
        this.#ends.push(end)
      }
    }
    return this.rows.length - before
  }

  /** All screen lines. */
  get height(): number {
    return this.#ends ? (this.#ends.at(-1) ?? 0) : this.rows.length
  }

  /** The screen line at which a row begins. */
  topOf(index: number): number {
    return this.#ends ? (this.#ends[index - 1] ?? 0) : index
  }

  /** The row at a screen line. */
  rowAt(line: number): number {
    const last = Math.max(0, this.rows.length - 1)
    const ends = this.#ends
    if (!ends) return Math.min(last, Math.max(0, Math.floor(line)))
    let low = 0
    let high = last
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle] ?? 0) > line) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Which match to show next, counted from a row; goes round at the ends. -1 when there is none. */
  matchFrom(row: number, direction: 1 | -1): number {
    const { matches } = this
    if (matches.length === 0) return -1
    if (direction === 1) {
      const next = matches.findIndex((index) => index > row)
      return next < 0 ? 0 : next
    }
    const before = matches.findLastIndex((index) => index < row)
    return before < 0 ? matches.length - 1 : before
  }
}

/** A global expression remembers where it stopped. */
function testFrom(expression: RegExp, text: string): boolean {
  expression.lastIndex = 0
  return expression.test(text)
}

function screenLines(row: LogRow, columns: number): number {
  if (row.kind !== 'line') return 1
  return textLines(row.plain, columns)
}

/** Screen lines that a text takes when each has room for so many characters. */
export function textLines(plain: string, columns: number): number {
  return Math.max(1, Math.ceil(textColumns(plain) / columns))
}

// Wide in a terminal: CJK, Hangul, full-width forms, emoji. An estimate is enough, for rows flow on if it is wrong.
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g

const ASCII = /^[\x00-\x7f]*$/

function textColumns(text: string): number {
  if (ASCII.test(text)) return text.length
  return text.length + (text.match(WIDE)?.length ?? 0)
}
