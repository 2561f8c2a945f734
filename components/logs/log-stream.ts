import type { LogLine } from '@/server/live/protocol.ts'
import { normalizeTime } from './log-time.ts'

/** A line read from history; `open` when its newline has not come yet. */
export type ReadLine = LogLine & { open?: boolean }

/**
 * Turns the bytes of `GET /containers/{id}/logs?timestamps=1` into lines, however the network cuts them.
 *
 *     offset  size  field            (without a TTY; with one, plain bytes)
 *     0       1     1 stdout, 2 stderr
 *     1       3     zero
 *     4       4     length, big endian
 *     8       n     `2026-11-21T08:00:00.000000000Z text\n`; without `\n` the next frame of the stream goes on
 *
 * @see POST /containers/{id}/attach, "Stream format"
 */
export class LogStreamReader {
  readonly #tty: boolean
  #rest: Uint8Array = new Uint8Array(0)
  readonly #open = { stdout: new OpenLine('stdout'), stderr: new OpenLine('stderr') }

  constructor(tty: boolean) {
    this.#tty = tty
  }

  /** The lines that this chunk completes. */
  push(chunk: Uint8Array): ReadLine[] {
    const lines: ReadLine[] = []
    if (this.#tty) {
      this.#open.stdout.take(chunk, false, lines)
      return lines
    }
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk)
    let at = 0
    while (bytes.length - at >= 8) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at + 4, 4).getUint32(0)
      if (bytes.length - at - 8 < length) break
      const stream = bytes[at] === 2 ? this.#open.stderr : this.#open.stdout
      stream.take(bytes.subarray(at + 8, at + 8 + length), true, lines)
      at += 8 + length
    }
    this.#rest = bytes.slice(at)
    return lines
  }

  /** What stands without a newline at the end. */
  end(): ReadLine[] {
    const lines: ReadLine[] = []
    this.#open.stdout.close(lines)
    this.#open.stderr.close(lines)
    return lines.sort((a, b) => (a.time < b.time ? -1 : 1))
  }
}

const NEWLINE = 10
const decoder = new TextDecoder()
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) ?/

/** The line a stream has begun. */
class OpenLine {
  readonly #stream: LogLine['stream']
  #bytes: Uint8Array | null = null

  constructor(stream: LogLine['stream']) {
    this.#stream = stream
  }

  /** @param framed a frame that goes on with a line repeats the timestamp, plain bytes do not */
  take(chunk: Uint8Array, framed: boolean, lines: ReadLine[]): void {
    let from = 0
    if (framed && this.#bytes) from = stampLength(chunk)
    for (;;) {
      const newline = chunk.indexOf(NEWLINE, from)
      if (newline < 0) break
      const piece = chunk.subarray(from, newline)
      lines.push(this.#line(this.#bytes ? concat(this.#bytes, piece) : piece))
      this.#bytes = null
      from = newline + 1
    }
    if (from < chunk.length) {
      const piece = chunk.subarray(from)
      this.#bytes = this.#bytes ? concat(this.#bytes, piece) : piece.slice()
    }
  }

  close(lines: ReadLine[]): void {
    if (!this.#bytes) return
    lines.push({ ...this.#line(this.#bytes), open: true })
    this.#bytes = null
  }

  #line(bytes: Uint8Array): ReadLine {
    const end = bytes.at(-1) === 13 ? bytes.length - 1 : bytes.length
    const text = decoder.decode(bytes.subarray(0, end))
    const stamp = STAMP.exec(text)
    if (!stamp) return { time: '', stream: this.#stream, text }
    return {
      time: normalizeTime(stamp[1] ?? ''),
      stream: this.#stream,
      text: text.slice(stamp[0].length),
    }
  }
}

function stampLength(chunk: Uint8Array): number {
  return STAMP.exec(decoder.decode(chunk.subarray(0, 40)))?.[0].length ?? 0
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length)
  joined.set(a)
  joined.set(b, a.length)
  return joined
}
