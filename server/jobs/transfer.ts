import type { JobLayer, JobTransfer } from '../live/protocol.ts'

/** The rate is the mean of so long: shorter ones jump, longer ones are old. */
const WINDOW_MS = 5000
const SAMPLE_MS = 250

/** Sums up what of all layers has gone over the wire, and how fast it goes. */
export class TransferRate {
  readonly transfer: JobTransfer = { current: 0, total: 0, unknown: 0, bytesPerSecond: 0 }
  readonly #now: () => number
  #samples: { time: number; bytes: number }[] = []

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  update(layers: readonly JobLayer[]): void {
    const { transfer } = this
    transfer.current = 0
    transfer.total = 0
    transfer.unknown = 0
    for (const { current, status, total } of layers) {
      if (IS_THERE.test(status)) continue
      if (total === 0) transfer.unknown++
      transfer.total += total
      transfer.current += MOVING.test(status)
        ? Math.min(current, total)
        : HAS_MOVED.test(status)
          ? total
          : 0
    }
    const time = this.#now()
    const last = this.#samples.at(-1)
    if (last === undefined || time - last.time >= SAMPLE_MS)
      this.#samples.push({ time, bytes: transfer.current })
    while ((this.#samples[0]?.time ?? time) < time - WINDOW_MS) this.#samples.shift()
    const first = this.#samples[0]
    const seconds = first === undefined ? 0 : (time - first.time) / 1000
    // a layer that is fetched anew from its start takes bytes back
    if (first !== undefined && seconds > 0)
      transfer.bytesPerSecond = Math.max(0, Math.round((transfer.current - first.bytes) / seconds))
  }
}

/** Docker's words for a layer that nothing has to be fetched or sent of. */
const IS_THERE = /^(Already exists|Layer already exists|Mounted from|Skipped foreign layer)/
const MOVING = /^(Downloading|Pushing|Uploading)/
const HAS_MOVED =
  /^(Verifying Checksum|Download complete|Extracting|Pull complete|Pushed|Uploaded|Loading layer|Loaded)/
