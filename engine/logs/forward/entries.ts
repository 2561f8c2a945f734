import { createHash } from 'node:crypto'
import { parseLine } from '../format.ts'
import type { LogEntry } from './sink.ts'

/** The shim cuts a line after this many bytes and goes on in another one. */
const PIECE_BYTES = 16 * 1024
const NEWLINE = 0x0a

/** Reads lines of the log for sending, and tells which are pieces of one that was longer. */
export class EntryParser {
  readonly #unfinished = new Map<string, { id: string; ordinal: number }>()

  /**
   * The entries of whole lines; damaged ones are left out.
   *
   * @param after those up to this time have been sent already
   */
  parse(lines: Buffer, after: string): LogEntry[] {
    const entries: LogEntry[] = []
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(NEWLINE, start)
      if (end === -1) break
      const line = parseLine(lines.toString('utf8', start, end))
      start = end + 1
      if (line === undefined || line.time <= after) continue
      entries.push(this.#entry(line))
    }
    return entries
  }

  #entry({ log, stream, time }: { log: string; stream: string; time: string }): LogEntry {
    const whole = log.endsWith('\n')
    const entry: LogEntry = {
      stream: stream === 'stderr' ? 'stderr' : 'stdout',
      text: whole ? log.slice(0, -1) : log,
      time,
    }
    const goesOn = !whole && Buffer.byteLength(log) >= PIECE_BYTES
    const begun = this.#unfinished.get(entry.stream)
    if (!goesOn && begun === undefined) return entry
    const { id, ordinal } = begun ?? {
      // as long as Docker's, and the same again when it is sent again
      id: createHash('sha256').update(time).digest('hex'),
      ordinal: 1,
    }
    if (goesOn) this.#unfinished.set(entry.stream, { id, ordinal: ordinal + 1 })
    else this.#unfinished.delete(entry.stream)
    return { ...entry, partial: { id, ordinal, last: !goesOn } }
  }
}
