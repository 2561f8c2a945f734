import { callerKey } from '../caller.ts'

/** How a step ended: `gone` when its build was cancelled. */
type End = 'done' | 'failed' | 'gone'

/**
 * Commands that builds run at this moment, by their keys. Services of one project often begin alike and are built at the
 * same time: who comes to a step that another build of the same user is at waits for what that leads to.
 */
export class StepsUnderWay {
  readonly #ends = new Map<string, Promise<End>>()

  /**
   * Carries a step out, unless it is found to be done after another build was waited for. One that failed is tried again,
   * so that each build has its output and its error.
   *
   * `isKnown` looks for the step's result and takes it; `waits` is told before another one is waited for.
   *
   * @returns whether it was carried out here
   * @throws what `work` does, or the signal's reason when it fires meanwhile
   */
  async run(
    key: string,
    step: { isKnown: () => Promise<boolean>; waits: () => void; work: () => Promise<void> },
    signal: AbortSignal,
  ): Promise<boolean> {
    // a client that stops reading stops its build: that holds up nobody else's
    const mine = `${callerKey()} ${key}`
    for (let other = this.#ends.get(mine); other; other = this.#ends.get(mine)) {
      step.waits()
      const end = await abortable(other, signal)
      if (await step.isKnown()) return false
      if (end === 'failed') break
    }
    const work = step.work()
    const end = work.then(
      (): End => 'done',
      (): End => (signal.aborted ? 'gone' : 'failed'),
    )
    this.#ends.set(mine, end)
    try {
      await work
      return true
    } finally {
      if (this.#ends.get(mine) === end) this.#ends.delete(mine)
    }
  }
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let leave: () => void = () => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    leave = () => {
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', leave, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
