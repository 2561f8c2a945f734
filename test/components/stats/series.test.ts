import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  alignSamples,
  cpuShare,
  describeSeries,
  niceTop,
} from '../../../components/stats/series.ts'
import type { StatsSample } from '../../../server/live/protocol.ts'

const sample = (time: number, cpu = 0): StatsSample => ({
  time,
  cpu,
  cpuCount: 4,
  throttledPeriods: 0,
  memory: 0,
  memoryCache: 0,
  memoryLimit: 1000,
  networkRxRate: 0,
  networkTxRate: 0,
  networkRx: 0,
  networkTx: 0,
  blockReadRate: 0,
  blockWriteRate: 0,
  blockRead: 0,
  blockWrite: 0,
  pids: 1,
  pidsLimit: null,
})
const cpu = { label: 'CPU', colour: 1 as const, value: (s: StatsSample) => s.cpu }

describe('alignSamples()', () => {
  test('breaks the line where samples are missing', () => {
    const samples = [sample(1000, 1), sample(2000, 2), sample(9000, 3)]
    assert.deepEqual(alignSamples(samples, [cpu]), [
      [1, 2, 3, 9],
      [1, 2, null, 3],
    ])
  })

  test('joins means that follow each other, and breaks the line where one begins late', () => {
    const mean = (time: number, value: number) => ({ ...sample(time, value), spanMs: 10_000 })
    const samples = [mean(10_000, 1), mean(20_000, 2), sample(21_000, 3), mean(60_000, 4)]
    assert.deepEqual(alignSamples(samples, [cpu]), [
      [10, 20, 21, 22, 60],
      [1, 2, 3, null, 4],
    ])
  })

  test('leaves out what comes twice or late', () => {
    assert.deepEqual(alignSamples([sample(2000, 1), sample(2000, 2), sample(1000, 3)], [cpu]), [
      [2],
      [1],
    ])
  })
})

test('cpuShare() is of the limit, else of the host', () => {
  assert.equal(cpuShare(sample(0, 100), null), 25)
  assert.equal(cpuShare(sample(0, 100), 0.5), 200)
})

test('niceTop() rounds up', () => {
  assert.deepEqual(
    [0, 3, 17, 0.04, 100].map((v) => niceTop(v, 'plain')),
    [1, 5, 20, 0.05, 100],
  )
  assert.deepEqual(
    [1000, 1025].map((v) => niceTop(v, 'bytes')),
    [1024, 2048],
  )
})

test('describeSeries() tells a chart in words', () => {
  const words = describeSeries('CPU', [1, null, 3], (v) => `${v} %`)
  assert.equal(words, 'CPU: now 3 %, between 1 % and 3 %, 2 % on average')
  assert.equal(describeSeries('CPU', [null], String), 'CPU: no data yet')
})
