import { TooManyRequestsError } from '../errors.ts'

/** Failures that cost nothing yet. */
const FREE_FAILURES = 5
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 15 * 60_000
const FORGET_MS = 60 * 60_000
const MAX_KEYS = 10_000

interface Failures {
  count: number
  last: number
  until: number
}

/**
 * Slows down guessing: after five failures of a key each further one doubles the pause, up to a quarter of an hour.
 * A success forgets them.
 */
export class RateLimit {
  readonly #failures = new Map<string, Failures>()
  readonly #now: () => number
  readonly #free: number

  constructor(options: { now?: () => number; free?: number } = {}) {
    this.#now = options.now ?? Date.now
    this.#free = options.free ?? FREE_FAILURES
  }

  /** @throws TOO_MANY_REQUESTS while the key has to wait */
  check(key: string): void {
    const wait = (this.#failures.get(key)?.until ?? 0) - this.#now()
    if (wait <= 0) return
    const seconds = Math.ceil(wait / 1000)
    throw new TooManyRequestsError(
      `Too many failed sign-ins. Try again in ${seconds < 90 ? `${String(seconds)} s` : `${String(Math.ceil(seconds / 60))} minutes`}.`,
      seconds,
    )
  }

  fail(key: string): void {
    const now = this.#now()
    const before = this.#failures.get(key)
    const count = before !== undefined && now - before.last < FORGET_MS ? before.count + 1 : 1
    const over = count - this.#free
    const pause = over < 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** over, LONGEST_PAUSE_MS)
    // Moved to the end: the map's order is the order of the last failure.
    this.#failures.delete(key)
    this.#failures.set(key, { count, last: now, until: now + pause })
    this.#forgetOld(now)
  }

  succeed(key: string): void {
    this.#failures.delete(key)
  }

  #forgetOld(now: number): void {
    for (const [key, { last }] of this.#failures) {
      if (now - last < FORGET_MS && this.#failures.size <= MAX_KEYS) break
      this.#failures.delete(key)
    }
  }
}
