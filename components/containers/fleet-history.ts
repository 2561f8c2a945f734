import type { FleetSample } from '@/server/live/protocol.ts'
import type { LiveClient } from '@/components/live/client.ts'

/** How many samples a sparkline shows. */
export const HISTORY = 60

export interface Trace {
  latest: FleetSample
  /** Oldest first. */
  cpu: number[]
  memory: number[]
  /** Moving averages, for an order of rows that does not jump. */
  averageCpu: number
  averageMemory: number
}

/** The last minute of every running container, from the `fleet` topic. Listens only while somebody watches. */
export class FleetHistory {
  private readonly traces = new Map<string, Trace>()
  private readonly watchers = new Set<() => void>()
  private readonly client: LiveClient
  private stop: (() => void) | undefined
  private order = 0
  private orderedAt = 0

  constructor(client: LiveClient) {
    this.client = client
  }

  readonly watch = (changed: () => void): (() => void) => {
    this.watchers.add(changed)
    this.stop ??= this.client.listen('fleet', '', {
      snapshot: (samples) => this.take(samples),
      change: (samples) => this.take(samples),
    })
    return () => {
      this.watchers.delete(changed)
      if (this.watchers.size > 0) return
      this.stop?.()
      this.stop = undefined
    }
  }

  readonly trace = (id: string): Trace | undefined => this.traces.get(id)

  /** Grows every ten seconds: sorting by a moving average only then keeps rows in their place between. */
  readonly orderVersion = (): number => this.order

  private take(samples: FleetSample[]): void {
    const present = new Set<string>()
    for (const sample of samples) {
      present.add(sample.id)
      const before = this.traces.get(sample.id)
      this.traces.set(sample.id, {
        latest: sample,
        cpu: grow(before?.cpu, sample.cpu),
        memory: grow(before?.memory, sample.memory),
        averageCpu: smooth(before?.averageCpu, sample.cpu),
        averageMemory: smooth(before?.averageMemory, sample.memory),
      })
    }
    for (const id of this.traces.keys()) if (!present.has(id)) this.traces.delete(id)
    if (Date.now() - this.orderedAt > 10_000) {
      this.orderedAt = Date.now()
      this.order++
    }
    for (const changed of this.watchers) changed()
  }
}

function grow(series: number[] | undefined, value: number): number[] {
  return series === undefined ? [value] : [...series.slice(1 - HISTORY), value]
}

function smooth(before: number | undefined, value: number): number {
  return before === undefined ? value : before + (value - before) / 10
}
