/** Events wait for their reader up to so many bytes of what they carry. */
const MOST_WAITING = 1 << 20

/**
 * Runs work that tells of itself, and yields what it tells. A reader who stops cancels the work; one who is slow slows
 * what waits for `room`.
 *
 * @throws what the work throws, after all that it told
 */
export async function* eventsOf<T>(
  work: (queue: EventQueue<T>, signal: AbortSignal) => Promise<void>,
  signals: readonly AbortSignal[],
): AsyncGenerator<T> {
  const stop = new AbortController()
  const queue = new EventQueue<T>()
  const running = work(queue, AbortSignal.any([...signals, stop.signal])).finally(() => {
    queue.end()
  })
  // awaited below; a reader that went away must not make it an unhandled rejection
  running.catch(() => undefined)
  let isOver = false
  try {
    for (;;) {
      const event = await queue.next()
      if (event === undefined) break
      yield event
    }
    isOver = true
    await running
  } finally {
    if (!isOver) stop.abort()
    queue.drop()
    await running.catch(() => undefined)
  }
}

export class EventQueue<T> {
  readonly #waiting: { event: T; bytes: number }[] = []
  #bytes = 0
  #ended = false
  #dropped = false
  #wake: (() => void) | undefined
  #freed: (() => void)[] = []
  #listener: ((event: T) => void) | undefined

  /** Has a second one told of all that is pushed, also when nobody reads any more. */
  listen(listener: (event: T) => void): void {
    this.#listener = listener
  }

  push(event: T, bytes = 0): void {
    this.#listener?.(event)
    if (this.#dropped) return
    this.#waiting.push({ event, bytes })
    this.#bytes += bytes
    this.#wake?.()
  }

  /** Resolves when the reader has caught up. */
  async room(): Promise<void> {
    while (this.#bytes > MOST_WAITING && !this.#dropped)
      await new Promise<void>((resolve) => this.#freed.push(resolve))
  }

  async next(): Promise<T | undefined> {
    for (;;) {
      const first = this.#waiting.shift()
      if (first) {
        this.#bytes -= first.bytes
        if (this.#bytes <= MOST_WAITING) this.#free()
        return first.event
      }
      if (this.#ended) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** Nobody reads any more. */
  drop(): void {
    this.#dropped = true
    this.#free()
  }

  #free(): void {
    for (const resolve of this.#freed.splice(0)) resolve()
  }
}
