import type { StatsSample } from './protocol.ts'
import { SampleRing } from './sample-ring.ts'

/** One sample a second for so many minutes. */
const FINE = 5 * 60
/** So many of them become one when they are older. */
const MEAN_OF = 10
const COARSE = 55 * 6
const KEPT_MS = 60 * 60_000
/** Samples so far apart have no mean: nothing is known of the time between. */
const GAP_MS = 3500

/** What has been seen of one container in the last hour: by the second for five minutes, means of ten seconds before. */
export class StatsHistory {
  readonly #fine = new SampleRing(FINE)
  readonly #coarse = new SampleRing(COARSE)
  #gathered: StatsSample[] = []

  push(sample: StatsSample): void {
    const old = this.#fine.push(sample)
    if (!old) return
    const last = this.#gathered.at(-1)
    if (last && old.time - last.time > GAP_MS) this.#condense()
    this.#gathered.push(old)
    if (this.#gathered.length >= MEAN_OF) this.#condense()
  }

  /** Of the hour before `now`, oldest first. */
  samples(now = Date.now()): StatsSample[] {
    const all = [...this.#coarse.samples(), ...this.#gathered, ...this.#fine.samples()]
    const first = all.findIndex(({ time }) => time > now - KEPT_MS)
    return first < 0 ? [] : all.slice(first)
  }

  #condense(): void {
    const [first] = this.#gathered
    const last = this.#gathered.at(-1)
    if (!first || !last) return
    const mean = (field: 'cpu' | 'memory' | 'memoryCache' | 'pids' | Rate): number =>
      this.#gathered.reduce((sum, sample) => sum + sample[field], 0) / this.#gathered.length
    this.#coarse.push({
      // counters and limits as they were at the end
      ...last,
      cpu: mean('cpu'),
      memory: mean('memory'),
      memoryCache: mean('memoryCache'),
      networkRxRate: mean('networkRxRate'),
      networkTxRate: mean('networkTxRate'),
      blockReadRate: mean('blockReadRate'),
      blockWriteRate: mean('blockWriteRate'),
      pids: mean('pids'),
      spanMs: last.time - first.time + 1000,
    })
    this.#gathered = []
  }
}

type Rate = 'networkRxRate' | 'networkTxRate' | 'blockReadRate' | 'blockWriteRate'
