const HEADER = 8
const STDERR = 2

/** Takes Docker's raw stream apart: `[u8 type, 0, 0, 0, u32be length]` and so many bytes. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0)

  /** The frames that are whole by now. */
  push(chunk: Buffer): { stream: 'stdout' | 'stderr'; data: Buffer }[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: { stream: 'stdout' | 'stderr'; data: Buffer }[] = []
    while (this.#rest.length >= HEADER) {
      const length = this.#rest.readUInt32BE(4)
      if (this.#rest.length < HEADER + length) break
      const stream = this.#rest[0] === STDERR ? 'stderr' : 'stdout'
      const data = this.#rest.subarray(HEADER, HEADER + length)
      this.#rest = this.#rest.subarray(HEADER + length)
      if (length > 0) frames.push({ stream, data })
    }
    return frames
  }
}
