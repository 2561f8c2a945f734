const MOST_BYTES = 4096
const MOST_LINES = 20

/** Keeps the end of what a command prints. */
export class LastOutput {
  #bytes: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): void {
    const joined = Buffer.concat([this.#bytes, chunk.subarray(-MOST_BYTES)])
    this.#bytes = joined.subarray(-MOST_BYTES)
  }

  /** The last lines of it. */
  text(): string {
    return this.#bytes.toString('utf8').trimEnd().split('\n').slice(-MOST_LINES).join('\n')
  }
}
