import fs from 'node:fs'
import type { TarHeader } from '../tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../tar/write.ts'
import type { TreeSink } from './read-tree.ts'

const CHUNK_BYTES = 256 * 1024

/** Gathers members to the chunks of an archive, and hands each on as it is full. */
export class TarWriter implements TreeSink {
  readonly #take: (chunk: Buffer) => void
  #chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
  #length = 0
  #size = 0

  /** @param take gets each chunk to keep: it is alone in its ArrayBuffer */
  constructor(take: (chunk: Buffer) => void) {
    this.#take = take
  }

  entry(header: TarHeader): void {
    this.#size = header.type === 'file' ? header.size : 0
    this.#put(encodeHeader(header))
  }

  data(chunk: Buffer): void {
    this.#put(chunk)
  }

  readFrom(file: number, position: number, mostBytes: number): number {
    const most = Math.min(mostBytes, CHUNK_BYTES - this.#length)
    const length = fs.readSync(file, this.#chunk, this.#length, most, position)
    this.#grow(length)
    return length
  }

  end(): void {
    this.#put(tarPadding(this.#size))
  }

  /** Ends the archive. */
  finish(): void {
    this.#put(TAR_END)
    if (this.#length > 0) this.#take(this.#chunk.subarray(0, this.#length))
    this.#length = 0
  }

  #put(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const length = bytes.copy(this.#chunk, this.#length, at)
      at += length
      this.#grow(length)
    }
  }

  #grow(length: number): void {
    this.#length += length
    if (this.#length < CHUNK_BYTES) return
    this.#take(this.#chunk)
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    this.#length = 0
  }
}
