import type { LogsOptions } from '../contract.ts'

const BACKSLASH = 0x5c
const QUOTE = 0x22
const NEWLINE = 0x0a
const HEAD = Buffer.from('{"log":"')
/** `","stream":"stdout",` */
const STREAM_LENGTH = 20
/** `2026-11-21T08:00:00.123456789Z`: all nine digits, so that times compare as text. */
const TIME_LENGTH = 30
/** From the quote that opens the time back to the quote that closes the text: `","stream":"stdout","time":"`. */
const TAIL_LENGTH = 27

/**
 * Turns lines of the json-file format into Docker's raw stream.
 *
 * A line is `{"log":"text\n","stream":"stdout","time":"2026-11-21T08:00:00.123456789Z"}`. Its last part has one form
 * and is checked from the end, so that the text is found without reading the line as JSON; with attributes it has the
 * same ones as the line before. Any other form (other attributes, another writer's order) goes through JSON.parse.
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
  #detail = ''
  #out: Buffer = Buffer.alloc(0)
  #length = 0

  constructor(tty: boolean, options: LogsOptions) {
    this.#tty = tty
    this.#stdout = options.stdout ?? false
    this.#stderr = options.stderr ?? false
    this.#timestamps = options.timestamps ?? false
    this.#details = options.details ?? false
    this.#since = options.since === undefined ? undefined : timeKey(options.since)
    this.#until = options.until === undefined ? undefined : timeKey(options.until)
  }

  /**
   * Yields the output of the whole lines in a chunk.
   *
   * @returns how many bytes those lines took; the rest belongs before the next chunk
   */
  *format(chunk: Buffer): Generator<Buffer, number> {
    const simple =
      !this.#timestamps && !this.#details && this.#since === undefined && this.#until === undefined
    this.#out = Buffer.allocUnsafe(chunk.length + 1024)
    this.#length = 0
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      if (end === -1) break
      // Whatever the form, a line's output is at most its own length, a frame's head and a timestamp.
      if (this.#out.length - this.#length < (end - start) * 3 + 256) {
        if (this.#length > 0) yield this.#out.subarray(0, this.#length)
        this.#out = Buffer.allocUnsafe(Math.max(chunk.length, (end - start) * 3) + 1024)
        this.#length = 0
      }
      if (!this.#line(chunk, start, end, simple)) this.#anyLine(chunk.toString('utf8', start, end))
      start = end + 1
      if (this.past) break
    }
    if (this.#length > 0) yield this.#out.subarray(0, this.#length)
    return start
  }

  /** The fast way; false when the line is not of the usual form. */
  #line(chunk: Buffer, start: number, end: number, simple: boolean): boolean {
    const timeEnd = end - 2
    if (chunk[timeEnd] !== QUOTE || chunk[end - 1] !== 0x7d || chunk[start] !== 0x7b) return false
    let time = timeEnd - 1
    const least = timeEnd - TIME_LENGTH
    while (time >= least && chunk[time] !== QUOTE) time--
    const attrs = this.#attrs
    const textEnd = time - TAIL_LENGTH - attrs.length
    const text = start + HEAD.length
    if (
      textEnd < text ||
      chunk[time] !== QUOTE ||
      chunk[time - 1] !== 0x3a ||
      chunk[time - 2] !== QUOTE
    )
      return false
    if (chunk[textEnd] !== QUOTE || chunk[textEnd + 1] !== 0x2c || chunk[textEnd + 3] !== 0x73)
      return false
    if (chunk[textEnd + 10] !== 0x3a || chunk[text - 1] !== QUOTE || chunk[text - 3] !== QUOTE)
      return false
    const attrsAt = textEnd + STREAM_LENGTH
    if (
      attrs.length > 0 &&
      chunk.compare(attrs, 0, attrs.length, attrsAt, attrsAt + attrs.length) !== 0
    )
      return false
    // The stream's name ends with t or r: stdout, stderr.
    const letter = chunk[textEnd + 17]
    const stream = letter === 0x74 ? 1 : 2
    if (!(stream === 1 ? this.#stdout : this.#stderr) && simple) return true
    let stamp: string | undefined
    if (!simple) {
      stamp = fixedTime(chunk.toString('latin1', time + 1, timeEnd))
      if (stamp === undefined) return false
      if (!this.#inTime(stamp) || !(stream === 1 ? this.#stdout : this.#stderr)) return true
    }
    const out = this.#out
    const head = this.#length
    let at = this.#tty ? head : head + 8
    if (stamp !== undefined && this.#timestamps) {
      out.write(stamp, at, 'latin1')
      out[at + TIME_LENGTH] = 0x20
      at += TIME_LENGTH + 1
    }
    if (this.#details) {
      at += out.write(this.#detail, at, 'latin1')
      out[at++] = 0x20
    }
    at = unescape(chunk, text, textEnd, out, at)
    if (at === -1) return false
    if (!this.#tty) writeHead(out, head, stream, at - head - 8)
    this.#length = at
    return true
  }

  /** The slow way, for any line that is JSON with these fields; damage is left out. */
  #anyLine(line: string): void {
    const entry = parseLine(line)
    if (entry === undefined) return
    this.#learn(line, entry)
    if (!this.#inTime(entry.time)) return
    if (!(entry.stream === 'stdout' ? this.#stdout : this.#stderr)) return
    const details = this.#details ? `${attributes(entry.attrs)} ` : ''
    const payload = Buffer.from(`${this.#timestamps ? `${entry.time} ` : ''}${details}${entry.log}`)
    if (!this.#tty) {
      writeHead(this.#out, this.#length, entry.stream === 'stdout' ? 1 : 2, payload.length)
      this.#length += 8
    }
    this.#length += payload.copy(this.#out, this.#length)
  }

  /** The lines that follow have the same attributes, as a rule. */
  #learn(line: string, entry: LogLine): void {
    const [, attrs = ''] =
      /^[^]*","stream":"std(?:out|err)",((?:"attrs":\{.*\},)?)"time":"[^"]*"\}$/.exec(line) ?? []
    this.#attrs = Buffer.from(attrs)
    this.#detail = attributes(entry.attrs)
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

/** `[u8 type, 0, 0, 0, u32be length]` */
function writeHead(out: Buffer, at: number, stream: number, length: number): void {
  out[at] = stream
  out[at + 1] = 0
  out[at + 2] = 0
  out[at + 3] = 0
  out[at + 4] = length >>> 24
  out[at + 5] = (length >>> 16) & 0xff
  out[at + 6] = (length >>> 8) & 0xff
  out[at + 7] = length & 0xff
}

/**
 * Writes a JSON string's bytes unescaped; the output is never longer than the input.
 *
 * @returns where the output ends, or -1 when a bare quote or a broken escape shows that this is not one JSON string
 */
function unescape(from: Buffer, start: number, end: number, out: Buffer, to: number): number {
  let at = to
  for (let index = start; index < end;) {
    const byte = from[index] ?? 0
    if (byte === QUOTE) return -1
    if (byte !== BACKSLASH) {
      out[at++] = byte
      index++
      continue
    }
    const kind = from[index + 1]
    index += 2
    switch (kind) {
      case 0x6e:
        out[at++] = 0x0a
        break
      case QUOTE:
      case BACKSLASH:
      case 0x2f:
        out[at++] = kind
        break
      case 0x72:
        out[at++] = 0x0d
        break
      case 0x74:
        out[at++] = 0x09
        break
      case 0x62:
        out[at++] = 0x08
        break
      case 0x66:
        out[at++] = 0x0c
        break
      case 0x75: {
        const unit = hex4(from, index)
        if (unit === -1) return -1
        index += 4
        if (unit < 0x80) {
          out[at++] = unit
          break
        }
        let text = String.fromCharCode(unit)
        // A pair of surrogates is one character.
        if (
          unit >= 0xd800 &&
          unit < 0xdc00 &&
          from[index] === BACKSLASH &&
          from[index + 1] === 0x75
        ) {
          const low = hex4(from, index + 2)
          if (low >= 0xdc00 && low < 0xe000) {
            text += String.fromCharCode(low)
            index += 6
          }
        }
        at += out.write(text, at)
        break
      }
      default:
        return -1
    }
    if (index > end) return -1
  }
  return at
}

function hex4(from: Buffer, at: number): number {
  let value = 0
  for (let index = at; index < at + 4; index++) {
    const byte = from[index] ?? 0
    const digit =
      byte >= 0x30 && byte <= 0x39
        ? byte - 0x30
        : byte >= 0x61 && byte <= 0x66
          ? byte - 0x57
          : byte >= 0x41 && byte <= 0x46
            ? byte - 0x37
            : -1
    if (digit === -1) return -1
    value = value * 16 + digit
  }
  return value
}
