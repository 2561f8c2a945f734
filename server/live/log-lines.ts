import type { LogLine } from './protocol.ts'

/** RFC 3339 with nanoseconds and the space after it, as the Docker API prefixes lines with `timestamps`. */
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) /
const LONGEST_STAMP = 40
const NEWLINE = 10
const HEADER_BYTES = 8
/** A line longer than this is cut in pieces. */
const MAX_LINE_BYTES = 256 * 1024

/**
 * Cuts the bytes of a logs stream into lines. Without a TTY the stream is framed (`[u8 stream, 0, 0, 0, u32be length]`
 * and payload), with one it is plain.
 */
export class LogLines {
  readonly #tty: boolean
  readonly #emit: (line: LogLine) => void
  #pending: Buffer = Buffer.alloc(0)
  readonly #open: Record<'stdout' | 'stderr', Partial> = {
    stdout: { time: '', pieces: [], size: 0 },
    stderr: { time: '', pieces: [], size: 0 },
  }

  constructor(options: { tty: boolean; emit: (line: LogLine) => void }) {
    this.#tty = options.tty
    this.#emit = options.emit
  }

  push(chunk: Buffer): void {
    if (this.#tty) {
      this.#payload('stdout', chunk)
      return
    }
    let data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    while (data.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + data.readUInt32BE(4)
      if (data.length < end) break
      this.#payload(data[0] === 2 ? 'stderr' : 'stdout', data.subarray(HEADER_BYTES, end))
      data = data.subarray(end)
    }
    this.#pending = data
  }

  /** The stream is over: what has no newline yet is a line too. */
  end(): void {
    this.#close('stdout')
    this.#close('stderr')
  }

  #payload(stream: 'stdout' | 'stderr', payload: Buffer): void {
    for (let from = 0; from < payload.length;) {
      const newline = payload.indexOf(NEWLINE, from)
      this.#piece(stream, payload.subarray(from, newline < 0 ? payload.length : newline))
      if (newline < 0) break
      this.#close(stream)
      from = newline + 1
    }
  }

  /** A piece of a line: long lines are logged in pieces, and each piece may begin with its own time. */
  #piece(stream: 'stdout' | 'stderr', piece: Buffer): void {
    const open = this.#open[stream]
    const stamp = STAMP.exec(piece.toString('latin1', 0, LONGEST_STAMP))
    // In a TTY's plain stream a piece is wherever the chunk was cut: only a line's start has a time.
    if (stamp && (open.time === '' || !this.#tty)) {
      if (open.time === '') open.time = stamp[1] ?? ''
      piece = piece.subarray(stamp[0].length)
    } else if (open.time === '' && open.size < LONGEST_STAMP && open.pieces.length > 0) {
      // The chunk was cut within the time itself.
      piece = Buffer.concat([...open.pieces, piece])
      open.pieces = []
      open.size = 0
      const whole = STAMP.exec(piece.toString('latin1', 0, LONGEST_STAMP))
      if (whole) {
        open.time = whole[1] ?? ''
        piece = piece.subarray(whole[0].length)
      }
    }
    // The piece belongs to a chunk that may be much larger, and would keep all of it.
    open.pieces.push(Buffer.from(piece))
    open.size += piece.length
    if (open.size > MAX_LINE_BYTES) {
      const { time } = open
      this.#close(stream)
      open.time = time
    }
  }

  #close(stream: 'stdout' | 'stderr'): void {
    const open = this.#open[stream]
    if (open.pieces.length > 0 || open.time !== '') {
      const text = Buffer.concat(open.pieces).toString('utf8')
      this.#emit({ time: open.time, stream, text: text.endsWith('\r') ? text.slice(0, -1) : text })
    }
    open.time = ''
    open.pieces = []
    open.size = 0
  }
}

interface Partial {
  time: string
  pieces: Buffer[]
  size: number
}
