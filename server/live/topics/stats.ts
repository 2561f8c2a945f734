import type { Engine } from '../../../engine/contract.ts'
import type { StatsSample } from '../protocol.ts'
import type { StatsPool } from '../stats-pool.ts'
import type { Change, Merge, Source } from '../topic.ts'

/** All numbers of one container. */
export class StatsSource implements Source<'stats'> {
  readonly #engine: Engine
  readonly #pool: StatsPool
  readonly #id: string
  #past: () => StatsSample[] = () => []
  #stop: (() => void) | undefined

  constructor(engine: Engine, pool: StatsPool, id: string) {
    this.#engine = engine
    this.#pool = pool
    this.#id = id
  }

  async open(publish: (change: Change<'stats'>) => void): Promise<void> {
    await this.#engine.containers.inspect(this.#id)
    const { past, stop } = this.#pool.listen(this.#id, (sample) => {
      publish([sample])
    })
    this.#past = past
    this.#stop = stop
  }

  snapshot(): StatsSample[] {
    return this.#past()
  }

  close(): void {
    this.#stop?.()
  }
}

/** A slow browser gets the newest; its chart shows a gap. */
export const mergeStats: Merge<'stats'> = (_older, newer) => newer
