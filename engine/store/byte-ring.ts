import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { InvalidParameterError } from '../errors.ts'
import { freeBuffer } from '../free-buffer.ts'

/**
 * Bytes on their way to a thread that blocks, in memory that both see: no system call and one copy for each piece, where a
 * socket between the two takes three of the former and three of the latter.
 *
 *     0 written 4 | 4 taken 4 | 8 ended 4 | 12 changes 4 | 16 the bytes, in a circle
 *
 * Counts are of bytes and run over at 2^32, which the size divides.
 */
export type ByteRing = SharedArrayBuffer

const [WRITTEN, TAKEN, ENDED, CHANGES] = [0, 1, 2, 3]
const HEAD_BYTES = 16
const RING_BYTES = 1 << 20
/** For a little archive: a mebibyte to be zeroed would take longer than the rest. */
const SMALL_RING_BYTES = 1 << 16
/** At most so much is handed on at once, so that the other side can go on meanwhile. */
const PIECE_BYTES = 1 << 18

const OPEN = 0
const WHOLE = 1
const CUT = 2

/** @param expected bytes that will come, where that is known */
export function newRing(expected = Infinity): ByteRing {
  const bytes = expected <= SMALL_RING_BYTES ? SMALL_RING_BYTES : RING_BYTES
  return new SharedArrayBuffer(HEAD_BYTES + bytes)
}

/** The writing side, on a thread with an event loop: gives all that a stream has, and never keeps the loop waiting. */
export class RingWriter {
  readonly #counts: Int32Array
  readonly #bytes: Uint8Array
  readonly #source: Readable
  readonly #frees: boolean
  /** What there was no space for yet, from an offset on. */
  #waiting: { chunk: Uint8Array; from: number } | undefined
  #isTold = true

  /** @param source is left as it is when it has ended or `cut` is called: it may be a request whose answer is still to come */
  constructor(ring: ByteRing, source: Readable) {
    this.#counts = new Int32Array(ring, 0, HEAD_BYTES / 4)
    this.#bytes = new Uint8Array(ring, HEAD_BYTES)
    this.#source = source
    // the parser makes each chunk of a body for whoever reads it; of another stream somebody may keep some
    this.#frees = source instanceof IncomingMessage
    source.on('data', this.#take)
    source.on('end', this.#end)
  }

  /** No more will come: who reads is told so, unless all has come. */
  readonly cut = (): void => {
    this.#source.off('data', this.#take)
    this.#source.off('end', this.#end)
    this.#waiting = undefined
    if (!this.#source.readableEnded) this.#source.pause()
    this.#finish(CUT)
  }

  readonly #take = (chunk: Uint8Array): void => {
    const from = this.#put(chunk)
    if (from === chunk.length) {
      this.#free(chunk)
      return
    }
    this.#waiting = { chunk, from }
    this.#source.pause()
    void this.#goOn(this.#waiting)
  }

  readonly #end = (): void => {
    if (!this.#waiting) this.#finish(WHOLE)
  }

  /** As soon as there is space. */
  async #goOn(waiting: { chunk: Uint8Array; from: number }): Promise<void> {
    this.#tell()
    for (;;) {
      const taken = Atomics.load(this.#counts, TAKEN)
      waiting.from += this.#put(waiting.chunk.subarray(waiting.from))
      if (waiting.from === waiting.chunk.length) break
      await Atomics.waitAsync(this.#counts, TAKEN, taken).value
      if (this.#waiting !== waiting) return
    }
    this.#free(waiting.chunk)
    this.#waiting = undefined
    if (this.#source.readableEnded) this.#finish(WHOLE)
    else this.#source.resume()
  }

  /** @returns how many bytes there was space for */
  #put(chunk: Uint8Array): number {
    const written = Atomics.load(this.#counts, WRITTEN) >>> 0
    const size = this.#bytes.length
    const free = size - ((written - Atomics.load(this.#counts, TAKEN)) >>> 0)
    const length = Math.min(free, chunk.length)
    if (length === 0) return 0
    const at = written % size
    const first = Math.min(length, size - at)
    this.#bytes.set(chunk.subarray(0, first), at)
    if (length > first) this.#bytes.set(chunk.subarray(first, length), 0)
    Atomics.store(this.#counts, WRITTEN, (written + length) | 0)
    // once for all that comes in one turn of the loop: each time may cost the other side a waking
    if (this.#isTold) {
      this.#isTold = false
      setImmediate(() => this.#tell())
    }
    return length
  }

  #free(chunk: Uint8Array): void {
    if (this.#frees) freeBuffer(chunk)
  }

  #finish(how: number): void {
    Atomics.compareExchange(this.#counts, ENDED, OPEN, how)
    this.#tell()
  }

  #tell(): void {
    this.#isTold = true
    Atomics.add(this.#counts, CHANGES, 1)
    Atomics.notify(this.#counts, CHANGES)
  }
}

/**
 * The reading side: blocks while nothing is there.
 *
 * @returns pieces that are good until the next one is asked for
 * @throws INVALID_PARAMETER when the writer ended it before all came
 */
export async function* readRing(ring: ByteRing): AsyncGenerator<Buffer> {
  const counts = new Int32Array(ring, 0, HEAD_BYTES / 4)
  const size = ring.byteLength - HEAD_BYTES
  for (;;) {
    const changes = Atomics.load(counts, CHANGES)
    const taken = Atomics.load(counts, TAKEN) >>> 0
    const ended = Atomics.load(counts, ENDED)
    const there = ((Atomics.load(counts, WRITTEN) >>> 0) - taken) >>> 0
    if (ended === CUT) throw new InvalidParameterError('the archive was cut short')
    if (there === 0) {
      if (ended === WHOLE) return
      Atomics.wait(counts, CHANGES, changes)
      continue
    }
    const at = taken % size
    const length = Math.min(there, size - at, PIECE_BYTES)
    yield Buffer.from(ring, HEAD_BYTES + at, length)
    Atomics.store(counts, TAKEN, (taken + length) | 0)
    Atomics.notify(counts, TAKEN)
  }
}
