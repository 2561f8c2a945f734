import assert from 'node:assert/strict'
import { Duplex, PassThrough } from 'node:stream'
import { test } from 'node:test'
import { DeferredDuplex } from '../../../engine/containers/deferred-duplex.ts'

test('DeferredDuplex keeps what is written until it is connected, then passes both ways', async () => {
  const toInner = new PassThrough()
  const fromInner = new PassThrough()
  const stream = new DeferredDuplex()
  stream.write('early')
  stream.connect(Duplex.from({ readable: fromInner, writable: toInner }))
  fromInner.end('answer')
  const answered: Buffer[] = []
  for await (const chunk of stream) answered.push(chunk as Buffer)
  assert.equal(Buffer.concat(answered).toString(), 'answer')
  assert.equal((toInner.read() as Buffer).toString(), 'early')
})

test('DeferredDuplex closes what it is connected to after it was given up', () => {
  const inner = new PassThrough()
  const stream = new DeferredDuplex()
  stream.destroy()
  stream.connect(inner)
  assert.ok(inner.destroyed)
})

test('DeferredDuplex does not read ahead of a slow reader', async () => {
  const inner = new PassThrough({ highWaterMark: 1024 })
  const stream = new DeferredDuplex({ highWaterMark: 1024 })
  stream.connect(inner)
  stream.pause()
  let written = 0
  while (inner.write(Buffer.alloc(512)) && written < 100) {
    written++
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(written < 20, `took ${String(written)} chunks that nobody read`)
  stream.destroy()
})
