import type { LogsOptions } from '../contract/containers.ts'
import { formatLog } from '../native/logs.ts'

/** `2026-11-21T08:00:00.123456789Z`: all nine digits, so that times compare as text. */
const TIME_LENGTH = 30
/** What one line's output may have beyond the line itself and its details: a frame's head, a timestamp, two spaces. */
const MORE_BYTES = 64

/**
 * Turns lines of the json-file format into Docker's raw stream.
 *
 * A line is `{"log":"text\n","stream":"stdout","time":"2026-11-21T08:00:00.123456789Z"}`, and with attributes has the
 * same ones as the line before: lines of this form are made by native/addon/logs.c, all of a chunk at once. Any other
 * (other attributes, another writer's order) goes through JSON.parse.
 */
export class LogFormatter {
  /** A line later than `until` has been seen: what follows is later still. */
  past = false
  readonly #tty: boolean
  readonly #stdout: boolean
  readonly #stderr: boolean
  readonly #timestamps: boolean
  readonly #details: boolean
  readonly #since: string | undefined
  readonly #until: string | undefined
  /** `"attrs":{…},` of the lines, and as details: learned from the first that has them. */
  #attrs: Buffer = Buffer.alloc(0)
  #detail: Buffer = Buffer.alloc(0)

  constructor(tty: boolean, options: LogsOptions) {
    this.#tty = tty
    this.#stdout = options.stdout ?? false
    this.#stderr = options.stderr ?? false
    this.#timestamps = options.timestamps ?? false
    this.#details = options.details ?? false
    this.#since = options.since === undefined ? undefined : timeKey(options.since)
    this.#until = options.until === undefined ? undefined : timeKey(options.until)
  }

  /** Yields the output of a chunk of whole lines. */
  *format(lines: Buffer): Generator<Buffer, undefined> {
    for (let start = 0; start < lines.length && !this.past;) {
      const out = Buffer.allocUnsafe(lines.length - start + this.#detail.length + MORE_BYTES)
      const done = formatLog(lines, start, out, {
        framed: !this.#tty,
        stdout: this.#stdout,
        stderr: this.#stderr,
        timestamps: this.#timestamps,
        details: this.#details,
        since: this.#since,
        until: this.#until,
        attrs: this.#attrs,
        detail: this.#detail,
      })
      if (done.length > 0) yield out.subarray(0, done.length)
      start = done.at
      if (done.why === 'past') this.past = true
      if (done.why === 'done') return undefined
      if (done.why !== 'unusual') continue
      const end = lines.indexOf(0x0a, start)
      const output = this.#unusual(lines.toString('utf8', start, end))
      if (output !== undefined) yield output
      start = end + 1
    }
    return undefined
  }

  /** The output of any line that is JSON with these fields; damage is left out. */
  #unusual(line: string): Buffer | undefined {
    const entry = parseLine(line)
    if (entry === undefined) return undefined
    this.#learn(line, entry)
    if (!this.#inTime(entry.time)) return undefined
    if (!(entry.stream === 'stdout' ? this.#stdout : this.#stderr)) return undefined
    const details = this.#details ? `${attributes(entry.attrs)} ` : ''
    const text = Buffer.from(`${this.#timestamps ? `${entry.time} ` : ''}${details}${entry.log}`)
    if (this.#tty) return text
    // [u8 type, 0, 0, 0, u32be length]
    const head = Buffer.alloc(8)
    head[0] = entry.stream === 'stdout' ? 1 : 2
    head.writeUInt32BE(text.length, 4)
    return Buffer.concat([head, text])
  }

  /** The lines that follow have the same attributes, as a rule. */
  #learn(line: string, entry: LogLine): void {
    const [, attrs = ''] =
      /^[^]*","stream":"std(?:out|err)",((?:"attrs":\{.*\},)?)"time":"[^"]*"\}$/.exec(line) ?? []
    this.#attrs = Buffer.from(attrs)
    this.#detail = Buffer.from(attributes(entry.attrs))
  }

  #inTime(stamp: string): boolean {
    if (this.#until !== undefined && stamp > this.#until) {
      this.past = true
      return false
    }
    return this.#since === undefined || stamp >= this.#since
  }
}

/** Seconds since the epoch as the text that times are compared by. */
export function timeKey(seconds: number): string {
  const clamped = Math.min(Math.max(seconds, 0), 253402300799)
  const whole = Math.floor(clamped)
  const nanos = Math.min(999_999_999, Math.round((clamped - whole) * 1e9))
  return `${new Date(whole * 1000).toISOString().slice(0, 19)}.${String(nanos).padStart(9, '0')}Z`
}

/** The time of a line of any form; undefined when it is damaged. */
export function lineTime(bytes: Buffer, start: number, end: number): string | undefined {
  return parseLine(bytes.toString('utf8', start, end))?.time
}

/** Fills the fraction of a UTC time up to nine digits. */
function fixedTime(time: string): string | undefined {
  if (time.length === TIME_LENGTH) return time
  if (time.length < 20 || time.length > TIME_LENGTH || !time.endsWith('Z')) return undefined
  const digits = time.slice(20, -1)
  return `${time.slice(0, 19)}.${digits.padEnd(9, '0')}Z`
}

/** One line of the log, or a piece of one that was longer than 16 KiB. */
export interface LogLine {
  log: string
  stream: string
  /** With nine digits of fraction. */
  time: string
  attrs: Record<string, string>
}

/** Reads a line of any form; undefined when it is damaged. */
export function parseLine(line: string): LogLine | undefined {
  // A writer that was killed within a line may have had another one put behind it.
  const last = line.lastIndexOf('{"log":"')
  for (const candidate of last > 0 ? [line, line.slice(last)] : [line]) {
    try {
      const entry = JSON.parse(candidate) as Partial<LogLine> | null
      const time = typeof entry?.time === 'string' ? fixedTime(entry.time) : undefined
      if (typeof entry?.log === 'string' && time !== undefined)
        return { log: entry.log, stream: entry.stream ?? 'stdout', time, attrs: entry.attrs ?? {} }
    } catch {
      // Damage: the next candidate, or nothing.
    }
  }
  return undefined
}

/** As Docker prints them: `key=value,…` in the order of the keys, escaped as in a query. */
function attributes(attrs: Record<string, string>): string {
  return Object.entries(attrs)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `${queryEscape(key)}=${queryEscape(value)}`)
    .join(',')
}

/** As Go's url.QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
