import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TransferRate } from '../../../server/jobs/transfer.ts'

const layer = (status: string, current = 0, total = 0) => ({ id: status, status, current, total })

describe('TransferRate', () => {
  it('counts what goes over the wire: not what is there already, and extracting as arrived', () => {
    const rate = new TransferRate(() => 0)
    rate.update([
      layer('Already exists', 0, 500),
      layer('Waiting'),
      layer('Downloading', 30, 100),
      layer('Extracting', 5, 200),
      layer('Pull complete', 40, 40),
      layer('Compressing', 70, 300),
    ])
    assert.deepEqual(rate.transfer, { current: 270, total: 640, unknown: 1, bytesPerSecond: 0 })
  })

  it('gives the mean of the last seconds, and nothing below zero', () => {
    let now = 0
    const rate = new TransferRate(() => now)
    for (now = 0; now <= 10_000; now += 500)
      rate.update([layer('Pushing', now < 5000 ? 0 : now - 5000, 100_000)])
    assert.equal(rate.transfer.bytesPerSecond, 1000)
    now += 1000
    rate.update([layer('Pushing', 0, 100_000)])
    assert.equal(rate.transfer.bytesPerSecond, 0)
  })
})
