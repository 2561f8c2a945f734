import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventsOptions } from '../../../engine/contract/system.ts'
import { openEvents } from '../../../engine/events/events.ts'
import type { Events } from '../../../engine/events/events.ts'
import type { EventMessage } from '../../../engine/types/docker.ts'
import { soFar } from '../../helpers/so-far.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function temporary(): Promise<string> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
  cleanups.push(() => fs.rm(dir, { recursive: true, force: true }))
  return dir
}

async function open(
  dir: string,
  options: { maxFileBytes?: number; maxOldFiles?: number } = {},
): Promise<Events> {
  const events = await openEvents({ dir, ...options })
  cleanups.push(() => events.close())
  return events
}

async function take(stream: AsyncIterable<EventMessage>, count = Infinity): Promise<string[]> {
  const ids: string[] = []
  if (count === 0) return ids
  for await (const event of stream) {
    ids.push(event.Actor?.ID ?? '')
    if (ids.length === count) break
  }
  return ids
}

const now = (): number => Date.now() / 1000
const past = (): EventsOptions => ({ since: 0, until: soFar() })

describe('openEvents', () => {
  it('gives live events from the moment stream() is called', async () => {
    const events = await open(await temporary())
    events.emit('container', 'create', 'before')
    const stream = events.stream()
    events.emit('container', 'create', 'a', { name: 'x' })
    setTimeout(() => events.emit('container', 'start', 'b'), 20)
    assert.deepEqual(await take(stream, 2), ['a', 'b'])
  })

  it('stamps strictly rising times', async () => {
    const events = await open(await temporary())
    for (let index = 0; index < 5000; index++) events.emit('container', 'create', String(index))
    let last = 0
    let count = 0
    for await (const { timeNano = 0, time } of events.stream({ since: 0, until: now() + 1 })) {
      assert.ok(timeNano > last)
      assert.equal(time, Math.floor(timeNano / 1e9))
      last = timeNano
      if (++count === 5000) break
    }
    assert.equal(count, 5000)
  })

  it('replays since a moment and goes on live without gap or double', async () => {
    const events = await open(await temporary())
    let next = 0
    const timer = setInterval(() => {
      for (let index = 0; index < 50; index++) events.emit('volume', 'create', String(next++))
    }, 1)
    try {
      await sleep(60)
      const ids = await take(events.stream({ since: 0 }), 4000)
      assert.deepEqual(
        ids,
        Array.from({ length: 4000 }, (_, index) => String(index)),
      )
    } finally {
      clearInterval(timer)
    }
  })

  it('loses nothing for a reader slower than the queue holds', async () => {
    const events = await open(await temporary())
    const stream = events.stream()[Symbol.asyncIterator]()
    events.emit('volume', 'create', '0')
    assert.equal((await stream.next()).value?.Actor?.ID, '0')
    for (let index = 1; index <= 5000; index++) events.emit('volume', 'create', String(index))
    for (let index = 1; index <= 5000; index++) {
      assert.equal((await stream.next()).value?.Actor?.ID, String(index))
    }
    await stream.return?.()
  })

  it('tells a reader that was too slow even for the journal', async () => {
    const events = await open(await temporary(), { maxFileBytes: 2000, maxOldFiles: 1 })
    const stream = events.stream()[Symbol.asyncIterator]()
    events.emit('volume', 'create', '0')
    await stream.next()
    for (let round = 0; round < 60; round++) {
      for (let index = 0; index < 50; index++) events.emit('volume', 'create', 'x')
      await sleep(1)
    }
    await assert.rejects(
      async () => {
        while ((await stream.next()).done !== true);
      },
      { code: 'UNAVAILABLE' },
    )
  })

  it('keeps the journal over a restart, a torn last line included, and its times go on rising', async () => {
    const dir = await temporary()
    const first = await openEvents({ dir })
    first.emit('image', 'pull', 'one')
    first.emit('image', 'tag', 'two')
    await first.close()
    await fs.appendFile(path.join(dir, 'journal'), '{"Type":"image","Actor":{"ID":"torn')
    const second = await open(dir)
    second.emit('image', 'delete', 'three')
    assert.deepEqual(await take(second.stream(past())), ['one', 'two', 'three'])
  })

  it('stays within its size and drops the oldest', async () => {
    const dir = await temporary()
    const events = await open(dir, { maxFileBytes: 5000, maxOldFiles: 2 })
    for (let index = 0; index < 1000; index++) {
      events.emit('network', 'create', String(index))
      if (index % 10 === 0) await sleep(0)
    }
    const ids = await take(events.stream({ since: 0, until: now() + 0.1 }))
    const names = await fs.readdir(dir)
    assert.deepEqual(names.sort(), ['journal', 'journal.1', 'journal.2'])
    assert.equal(ids.at(-1), '999')
    assert.ok(ids.length < 500)
    assert.deepEqual(
      ids.map(Number),
      Array.from({ length: ids.length }, (_, index) => 1000 - ids.length + index),
    )
  })

  it('ends at until, at the signal and when closed', async () => {
    const events = await openEvents({ dir: await temporary() })
    assert.deepEqual(await take(events.stream({ until: now() - 10 })), [])
    const started = Date.now()
    assert.deepEqual(await take(events.stream({ until: now() + 0.1 })), [])
    assert.ok(Date.now() - started >= 90)
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 10)
    assert.deepEqual(await take(events.stream({}, abort.signal)), [])
    setTimeout(() => void events.close(), 10)
    assert.deepEqual(await take(events.stream()), [])
  })

  it('filters as Docker does', async () => {
    const events = await open(await temporary())
    events.emit('container', 'create', 'aaa', {
      name: 'web',
      image: 'busybox:latest',
      tier: 'front',
    })
    events.emit('container', 'exec_create: ls', 'aab', { name: 'db', image: 'postgres' })
    events.emit('image', 'pull', 'busybox:latest', { name: 'busybox' })
    events.emit('volume', 'create', 'data')
    const with_ = (filters: Record<string, string[]>): Promise<string[]> =>
      take(events.stream({ ...past(), filters }))
    assert.deepEqual(await with_({ type: ['container'] }), ['aaa', 'aab'])
    assert.deepEqual(await with_({ container: ['web'] }), ['aaa'])
    assert.deepEqual(await with_({ container: ['aa'] }), ['aaa', 'aab'])
    assert.deepEqual(await with_({ event: ['exec_create'] }), ['aab'])
    assert.deepEqual(await with_({ event: ['create'], type: ['volume'] }), ['data'])
    assert.deepEqual(await with_({ image: ['busybox'] }), ['aaa', 'busybox:latest'])
    assert.deepEqual(await with_({ label: ['tier=front'] }), ['aaa'])
    assert.throws(() => events.stream({ filters: { colour: ['red'] } }), {
      code: 'INVALID_PARAMETER',
    })
  })
})
