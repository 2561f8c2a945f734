import fs from 'node:fs'
import type { TarHeader } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { encodeHeader, TAR_END, tarPadding } from '../tar/write.ts'

const GATHER_BYTES = 256 * 1024

/**
 * Writes members as an archive to a descriptor. Blocks while the other end does not take it: for worker threads.
 *
 * @throws the write's failure; EPIPE when nobody wants the rest
 */
export class TarWriter implements TarSink {
  readonly #fd: number
  readonly #onBytes: (bytes: Buffer) => void
  readonly #gathered = Buffer.allocUnsafeSlow(GATHER_BYTES)
  #length = 0
  #size = 0

  /** @param onBytes sees all that is written, for a digest; the bytes are only good until it returns */
  constructor(fd: number, onBytes: (bytes: Buffer) => void = () => undefined) {
    this.#fd = fd
    this.#onBytes = onBytes
  }

  entry(header: TarHeader): void {
    this.#size = header.type === 'file' ? header.size : 0
    this.#put(encodeHeader(header))
  }

  data(chunk: Buffer): void {
    this.#put(chunk)
  }

  end(): void {
    this.#put(tarPadding(this.#size))
  }

  /** Ends the archive. */
  finish(): void {
    this.#put(TAR_END)
    this.#flush()
  }

  #put(bytes: Buffer): void {
    if (this.#length + bytes.length > GATHER_BYTES) this.#flush()
    if (bytes.length >= GATHER_BYTES) {
      this.#write(bytes)
      return
    }
    bytes.copy(this.#gathered, this.#length)
    this.#length += bytes.length
  }

  #flush(): void {
    if (this.#length > 0) this.#write(this.#gathered.subarray(0, this.#length))
    this.#length = 0
  }

  #write(bytes: Buffer): void {
    this.#onBytes(bytes)
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(this.#fd, bytes, done, bytes.length - done)
  }
}
