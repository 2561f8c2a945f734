import type { StatsSample } from './protocol.ts'

/** Everything of a sample is a number, or none: so many bytes each times eight. */
const FIELDS = [
  'time', 'cpu', 'cpuCount', 'throttledPeriods', 'memory', 'memoryCache', 'memoryLimit', 'networkRxRate',
  'networkTxRate', 'networkRx', 'networkTx', 'blockReadRate', 'blockWriteRate', 'blockRead', 'blockWrite', 'pids',
  'pidsLimit', 'spanMs',
] as const satisfies (keyof StatsSample)[] // prettier-ignore

const WIDTH = FIELDS.length
const FIRST_ROWS = 64

/** The last samples, up to a number, as plain numbers in one buffer: a third of what objects take. It grows as it fills. */
export class SampleRing {
  readonly #capacity: number
  #rows: Float64Array
  /** Samples ever put in; the newest of them are kept. */
  #count = 0

  constructor(capacity: number) {
    this.#capacity = capacity
    this.#rows = new Float64Array(Math.min(FIRST_ROWS, capacity) * WIDTH)
  }

  get length(): number {
    return Math.min(this.#count, this.#capacity)
  }

  /** @returns the sample that had to go for it */
  push(sample: StatsSample): StatsSample | undefined {
    const gone = this.#count >= this.#capacity ? this.#at(this.#count % this.#capacity) : undefined
    // before it is full nothing has wrapped: rows lie in their order
    if (gone === undefined && this.#count * WIDTH === this.#rows.length) {
      const rows = Math.min(this.#capacity, this.#count * 2)
      const larger = new Float64Array(rows * WIDTH)
      larger.set(this.#rows)
      this.#rows = larger
    }
    const start = (this.#count++ % this.#capacity) * WIDTH
    FIELDS.forEach((field, column) => {
      this.#rows[start + column] = sample[field] ?? NaN
    })
    return gone
  }

  /** Oldest first. */
  samples(): StatsSample[] {
    const first = this.#count - this.length
    return Array.from({ length: this.length }, (_, n) => this.#at((first + n) % this.#capacity))
  }

  #at(row: number): StatsSample {
    const sample: Record<string, number | null> = {}
    FIELDS.forEach((field, column) => {
      const value = this.#rows[row * WIDTH + column] ?? NaN
      if (!Number.isNaN(value)) sample[field] = value
      else if (field === 'pidsLimit') sample[field] = null
    })
    // made of one that was put in: what may be nothing is left out again
    return sample as unknown as StatsSample
  }
}
