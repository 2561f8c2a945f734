import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Channel } from '../../../server/live/channel.ts'
import type { Source } from '../../../server/live/topic.ts'

function make(lingerMs: number): { channel: Channel<'jobs'>; log: string[] } {
  const log: string[] = []
  const channel = new Channel<'jobs'>({
    lingerMs,
    onIdle: () => log.push('idle'),
    makeSource: (): Source<'jobs'> => ({
      open: async () => {
        log.push('open')
        await sleep(5)
        if (log.includes('break')) throw new Error('broken')
      },
      snapshot: () => [],
      close: () => log.push('close'),
    }),
  })
  return { channel, log }
}

describe('Channel', () => {
  it('opens its source for the first, keeps it for the next, closes it some time after the last', async () => {
    const { channel, log } = make(20)
    const [first, second] = await Promise.all([
      channel.join(() => undefined),
      channel.join(() => undefined),
    ])
    first.leave()
    first.leave()
    second.leave()
    const third = await channel.join(() => undefined)
    await sleep(40)
    assert.deepEqual(log, ['open'])
    third.leave()
    await sleep(40)
    assert.deepEqual(log, ['open', 'close', 'idle'])
  })

  it('tries again for the next after a source that would not open', async () => {
    const { channel, log } = make(1000)
    log.push('break')
    await assert.rejects(
      channel.join(() => undefined),
      /broken/,
    )
    log.splice(0)
    const { leave } = await channel.join(() => undefined)
    assert.deepEqual(log, ['open'])
    leave()
    channel.close()
  })
})
