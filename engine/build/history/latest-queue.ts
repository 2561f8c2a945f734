/** What is told of things by their keys, gathered until it is asked for: to who is slow only how each is in the end. */
export class LatestQueue<T> {
  readonly #waiting = new Map<string, T>()
  #wake: () => void = () => undefined

  put(key: string, value: T): void {
    this.#waiting.set(key, value)
    this.#wake()
  }

  /** What waits and what comes, for one reader; ends when the signal fires. */
  async *follow(signal: AbortSignal | undefined): AsyncGenerator<T> {
    const stop = (): void => {
      this.#wake()
    }
    signal?.addEventListener('abort', stop)
    try {
      while (signal?.aborted !== true) {
        const [first] = this.#waiting
        if (first) {
          this.#waiting.delete(first[0])
          yield first[1]
        } else
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
      }
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }
}
