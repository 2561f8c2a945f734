import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
import { NotFoundError } from '../../../engine/errors.ts'
import type { ContainerStatsResponse } from '../../../engine/types/docker.ts'
import type { StatsSample } from '../../../server/live/protocol.ts'
import { StatsPool } from '../../../server/live/stats-pool.ts'

const STOPPED: ContainerStatsResponse = { cpu_stats: { cpu_usage: { total_usage: 0 } } }
const ASLEEP: ContainerStatsResponse = {
  cpu_stats: { cpu_usage: { total_usage: 0 }, system_cpu_usage: 8e9, online_cpus: 2 },
  memory_stats: { usage: 4096 },
}

/** An engine whose every container answers with these, and then stays silent. */
function engineThatAnswers(answers: ContainerStatsResponse[]): Engine {
  const containers = {
    async *stats(_id: string, _options: unknown, signal: AbortSignal) {
      yield* answers
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
  return { containers } as unknown as Engine
}

describe('StatsPool', () => {
  it('has no sample of a stopped container, and one of a process that has only slept', async () => {
    const pool = new StatsPool(engineThatAnswers([STOPPED, ASLEEP]))
    const sample = await new Promise<StatsSample>((resolve) => {
      const { stop } = pool.listen('a', (first) => {
        stop()
        resolve(first)
      })
    })
    assert.deepEqual([sample.cpu, sample.memory], [0, 4096])
  })

  it('keeps what it has seen for who comes again, of a hundred containers and of none that is gone', async () => {
    const answer = { ...ASLEEP, read: new Date().toISOString() }
    const pool = new StatsPool(engineThatAnswers([answer]))
    const seen = async (id: string): Promise<number> => {
      let stop: () => void = () => undefined
      const before = await new Promise<number>((resolve) => {
        const joined = pool.listen(id, () => resolve(past))
        const past = joined.past().length
        stop = joined.stop
      })
      stop()
      return before
    }
    assert.equal(await seen('a'), 0)
    assert.equal(await seen('a'), 1)
    for (let other = 0; other < 100; other++) await seen(`other ${other}`)
    assert.equal(await seen('a'), 0)
    assert.equal(await seen('other 99'), 1)

    const gone = new StatsPool(engineWithout())
    const first = gone.listen('a', () => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    first.stop()
    const second = gone.listen('a', () => undefined)
    assert.deepEqual(second.past(), [])
    second.stop()
  })
})

/** Every container has been removed from it. */
function engineWithout(): Engine {
  const containers = {
    async *stats(): AsyncGenerator<ContainerStatsResponse> {
      await Promise.resolve()
      throw new NotFoundError('No such container')
    },
  }
  return { containers } as unknown as Engine
}
