/** Steps to take back, newest first, when a later one fails. */
export class Undo {
  readonly #steps: { what: string; run: () => unknown }[] = []
  readonly #warn: (message: string, error?: unknown) => void

  constructor(warn: (message: string, error?: unknown) => void) {
    this.#warn = warn
  }

  add(what: string, run: () => unknown): void {
    this.#steps.push({ what, run })
  }

  /** Takes everything back; a step that fails is reported and the others still run. */
  async run(): Promise<void> {
    for (const { what, run } of this.#steps.reverse()) {
      try {
        await run()
      } catch (error) {
        this.#warn(`could not undo: ${what}`, error)
      }
    }
    this.#steps.length = 0
  }
}
