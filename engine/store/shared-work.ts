interface Running<T, P> {
  result: Promise<T>
  controller: AbortController
  listeners: Set<(progress: P) => void>
  last: P | undefined
  waiting: number
}

/**
 * Work that several ask for at the same time and that is done once: who comes later joins, progress goes to all, and it
 * is cancelled when the last of them has lost interest.
 */
export class SharedWork<T, P> {
  readonly #running = new Map<string, Running<T, P>>()

  /**
   * @param start begins the work; it must end soon after its signal fires
   * @returns what the work gives
   * @throws what the work throws, or the signal's reason; by then the work has ended or others go on with it
   */
  async run(
    key: string,
    start: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
    onProgress: (progress: P) => void,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted()
    const found = this.#running.get(key)
    // what is being cancelled is of no use to a newcomer
    if (found?.controller.signal.aborted) {
      await found.result.catch(() => undefined)
      return await this.run(key, start, onProgress, signal)
    }
    const running = found ?? this.#start(key, start)
    running.waiting++
    running.listeners.add(onProgress)
    if (running.last !== undefined) onProgress(running.last)
    try {
      return await untilAborted(running.result, signal)
    } catch (error) {
      if (signal?.aborted && running.waiting === 1) {
        running.controller.abort(signal.reason)
        await running.result.catch(() => undefined)
      }
      throw error
    } finally {
      running.waiting--
      running.listeners.delete(onProgress)
    }
  }

  #start(
    key: string,
    start: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Running<T, P> {
    const controller = new AbortController()
    const listeners = new Set<(progress: P) => void>()
    const report = (progress: P): void => {
      running.last = progress
      for (const listener of listeners) listener(progress)
    }
    const running: Running<T, P> = {
      controller,
      listeners,
      last: undefined,
      waiting: 0,
      // a turn later, so that `running` is there when work reports at once
      result: Promise.resolve().then(() => start(controller.signal, report)),
    }
    const forget = (): void => {
      if (this.#running.get(key) === running) this.#running.delete(key)
    }
    running.result.then(forget, forget)
    this.#running.set(key, running)
    return running
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}
