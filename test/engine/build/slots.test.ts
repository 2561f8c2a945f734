import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { Slots } from '../../../engine/build/slots.ts'

describe('Slots', () => {
  it('lets so many work at a time, in the order of asking, also when some fail or leave', async () => {
    const slots = new Slots(2)
    const never = new AbortController()
    const leaving = new AbortController()
    let running = 0
    let most = 0
    const order: number[] = []
    const work = async (number: number): Promise<void> => {
      order.push(number)
      most = Math.max(most, ++running)
      await sleep(5)
      running--
      if (number === 1) throw new Error('no')
    }
    const all = [0, 1, 2, 3, 4].map((number) =>
      slots.run(() => work(number), number === 3 ? leaving.signal : never.signal),
    )
    leaving.abort()
    const ends = await Promise.allSettled(all)
    assert.deepEqual(
      ends.map(({ status }) => status === 'fulfilled'),
      [true, false, true, false, true],
    )
    assert.deepEqual([most, order], [2, [0, 1, 2, 4]])
    await slots.run(() => work(5), never.signal)
  })
})
