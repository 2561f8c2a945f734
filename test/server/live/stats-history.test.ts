import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SampleRing } from '../../../server/live/sample-ring.ts'
import type { StatsSample } from '../../../server/live/protocol.ts'
import { StatsHistory } from '../../../server/live/stats-history.ts'

const START = Date.UTC(2026, 0, 1)

/** The sample of a second; all its numbers tell which. */
const sampleAt = (second: number): StatsSample => ({
  time: START + second * 1000,
  cpu: second,
  cpuCount: 4,
  throttledPeriods: second,
  memory: second * 2 ** 20,
  memoryCache: 0.5,
  memoryLimit: 2 ** 40,
  networkRxRate: second,
  networkTxRate: 0,
  networkRx: second * 100,
  networkTx: 0,
  blockReadRate: 0,
  blockWriteRate: 0,
  blockRead: 0,
  blockWrite: 0,
  pids: 3,
  pidsLimit: second % 2 === 0 ? null : 50,
})

describe('SampleRing', () => {
  it('gives back what was put in, the newest of it, and what had to go', () => {
    const ring = new SampleRing(100)
    for (let second = 0; second < 100; second++)
      assert.equal(ring.push(sampleAt(second)), undefined)
    assert.deepEqual(
      ring.samples(),
      Array.from({ length: 100 }, (_, n) => sampleAt(n)),
    )
    for (let second = 100; second < 250; second++)
      assert.deepEqual(ring.push(sampleAt(second)), sampleAt(second - 100))
    assert.deepEqual(
      ring.samples(),
      Array.from({ length: 100 }, (_, n) => sampleAt(150 + n)),
    )
  })
})

describe('StatsHistory', () => {
  it('has the last five minutes by the second and means of ten seconds before', () => {
    const history = new StatsHistory()
    for (let second = 0; second < 1200; second++) history.push(sampleAt(second))
    const samples = history.samples(START + 1200_000)
    assert.deepEqual(
      samples.slice(-300),
      Array.from({ length: 300 }, (_, n) => sampleAt(900 + n)),
    )
    assert.equal(samples.length, 90 + 300)
    const [first] = samples
    assert.deepEqual(first, {
      ...sampleAt(9),
      cpu: 4.5,
      memory: 4.5 * 2 ** 20,
      networkRxRate: 4.5,
      spanMs: 10_000,
    })
    const times = samples.map(({ time }) => time)
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    )
  })

  it('takes no mean over a time of which nothing is known', () => {
    const history = new StatsHistory()
    for (let second = 0; second < 7; second++) history.push(sampleAt(second))
    for (let second = 100; second < 500; second++) history.push(sampleAt(second))
    const [first, second] = history.samples(START + 500_000)
    assert.deepEqual([first?.cpu, first?.spanMs], [3, 7000])
    assert.equal(second?.cpu, 104.5)
  })

  it('ends an hour back, however long it goes on', () => {
    const history = new StatsHistory()
    for (let second = 0; second < 10_000; second++) history.push(sampleAt(second))
    const samples = history.samples(START + 10_000_000)
    assert.ok(samples.length <= 640, String(samples.length))
    assert.ok((samples[0]?.time ?? 0) > START + 6_400_000)
    assert.deepEqual(history.samples(START + 24 * 3600_000), [])
  })
})
