/** Runs one piece of work at a time, in the order of asking. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work, work)
    this.#tail = turn.then(
      () => undefined,
      () => undefined,
    )
    return turn
  }
}

/** A mutex for each name, kept for as long as anybody waits for it. */
export class Mutexes {
  readonly #held = new Map<string, { mutex: Mutex; users: number }>()

  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const held = this.#held.get(name) ?? { mutex: new Mutex(), users: 0 }
    this.#held.set(name, held)
    held.users++
    try {
      return await held.mutex.run(work)
    } finally {
      if (--held.users === 0) this.#held.delete(name)
    }
  }
}
