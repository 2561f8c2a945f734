/** So much at once and no more: what comes beyond is turned away, not queued. */
export class Limit {
  readonly #most: number
  #running = 0

  constructor(most: number) {
    this.#most = most
  }

  /** @returns undefined when there is too much already */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= this.#most) return undefined
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
    }
  }
}
