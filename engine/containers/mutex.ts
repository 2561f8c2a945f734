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
