import type { FileHandle } from 'node:fs/promises'
import { freeBuffer } from '../free-buffer.ts'

const BATCH_BYTES = 1 << 20

/**
 * Writes what comes in small pieces in large ones, one of them at a time while the next is gathered. After a write that
 * failed all calls throw what it threw.
 */
export class BatchWriter {
  readonly #handle: FileHandle
  #position: number
  #batch: Buffer[] = []
  #ours: Buffer[] = []
  #bytes = 0
  #writing: Promise<void> = Promise.resolve()

  /** @param position where in the file to begin */
  constructor(handle: FileHandle, position: number) {
    this.#handle = handle
    this.#position = position
  }

  /**
   * Resolves when more may come. The chunk is kept until it is written.
   *
   * @param isOurs nobody else has a part in it: its memory is given back when it is written
   */
  async add(chunk: Buffer, isOurs = false): Promise<void> {
    this.#batch.push(chunk)
    if (isOurs) this.#ours.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes >= BATCH_BYTES) await this.#flush()
  }

  /** Resolves when all is written. */
  async end(): Promise<void> {
    await this.#flush()
    await this.#writing
  }

  async #flush(): Promise<void> {
    await this.#writing
    const batch = this.#batch
    const ours = this.#ours
    const at = this.#position
    this.#position += this.#bytes
    this.#batch = []
    this.#ours = []
    this.#bytes = 0
    this.#writing = this.#write(batch, at).then(() => ours.forEach(freeBuffer))
    // told by the next call
    this.#writing.catch(() => undefined)
  }

  async #write(batch: Buffer[], position: number): Promise<void> {
    let at = position
    while (batch.length > 0) {
      let { bytesWritten } = await this.#handle.writev(batch, at)
      at += bytesWritten
      while (batch[0] !== undefined && bytesWritten >= batch[0].length) {
        bytesWritten -= batch[0].length
        batch.shift()
      }
      if (batch[0] !== undefined) batch[0] = batch[0].subarray(bytesWritten)
    }
  }
}
