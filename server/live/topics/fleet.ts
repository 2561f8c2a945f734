import type { ContainerSummary } from '../../../engine/types/docker.ts'
import type { Channel } from '../channel.ts'
import type { FleetSample } from '../protocol.ts'
import type { StatsPool } from '../stats-pool.ts'
import type { Change, Merge, Source } from '../topic.ts'

const EVERY_MS = 1000

/** Light samples of whatever runs. Who runs is learnt from the containers topic. */
export class FleetSource implements Source<'fleet'> {
  readonly #containers: Channel<'containers'>
  readonly #pool: StatsPool
  readonly #running = new Map<string, { stop: () => void }>()
  readonly #latest = new Map<string, FleetSample>()
  readonly #fresh = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #leave: (() => void) | undefined
  #closed = false

  constructor(containers: Channel<'containers'>, pool: StatsPool) {
    this.#containers = containers
    this.#pool = pool
  }

  async open(publish: (change: Change<'fleet'>) => void): Promise<void> {
    const { snapshot, leave } = await this.#containers.join(({ changed, removed }) => {
      for (const id of removed) this.#drop(id)
      for (const row of changed) this.#take(row)
    })
    if (this.#closed) {
      leave()
      return
    }
    this.#leave = leave
    for (const row of snapshot) this.#take(row)
    this.#timer = setInterval(() => {
      const samples = [...this.#fresh].flatMap((id) => this.#latest.get(id) ?? [])
      this.#fresh.clear()
      if (samples.length > 0) publish(samples)
    }, EVERY_MS)
    this.#timer.unref()
  }

  snapshot(): FleetSample[] {
    return [...this.#latest.values()]
  }

  close(): void {
    this.#closed = true
    this.#leave?.()
    clearInterval(this.#timer)
    for (const id of [...this.#running.keys()]) this.#drop(id)
  }

  #take(row: ContainerSummary): void {
    const id = row.Id
    if (id === undefined) return
    if (row.State !== 'running' && row.State !== 'paused') {
      this.#drop(id)
      return
    }
    if (this.#running.has(id)) return
    const { stop } = this.#pool.listen(id, ({ cpu, memory, memoryLimit }) => {
      this.#latest.set(id, { id, cpu, memory, memoryLimit })
      this.#fresh.add(id)
    })
    this.#running.set(id, { stop })
  }

  #drop(id: string): void {
    this.#running.get(id)?.stop()
    this.#running.delete(id)
    this.#latest.delete(id)
    this.#fresh.delete(id)
  }
}

export const mergeFleet: Merge<'fleet'> = (older, newer) => [
  ...new Map([...older, ...newer].map((sample) => [sample.id, sample])).values(),
]
