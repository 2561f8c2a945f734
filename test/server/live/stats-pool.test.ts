import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
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
})
