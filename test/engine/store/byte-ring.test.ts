import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { newRing, RingWriter } from '../../../engine/store/byte-ring.ts'
import type { ByteRing } from '../../../engine/store/byte-ring.ts'

interface Told {
  hash: string
  bytes: number
  error?: string
}

/** Reads a ring to its end on a thread, waiting so long before each piece. */
function readOnThread(ring: ByteRing, paceMs = 0): Promise<Told> {
  const worker = new Worker(
    `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(async (tsx) => {
      tsx.register()
      const { createHash } = await import('node:crypto')
      const { parentPort, workerData } = await import('node:worker_threads')
      const { readRing } = await import(${JSON.stringify(path.resolve('engine/store/byte-ring.ts'))})
      const hash = createHash('sha256')
      let bytes = 0
      let error
      try {
        for await (const piece of readRing(workerData.ring)) {
          if (workerData.paceMs > 0)
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData.paceMs)
          hash.update(piece)
          bytes += piece.length
        }
      } catch (failure) {
        error = failure.message
      }
      parentPort.postMessage({ hash: hash.digest('hex'), bytes, error })
    })`,
    { eval: true, execArgv: [], workerData: { ring, paceMs } },
  )
  return once(worker, 'message').then(([told]) => told as Told)
}

describe('a byte ring', () => {
  it('brings every byte in its order, whatever sizes they come in, and however slowly they are taken', async () => {
    for (const paceMs of [0, 3]) {
      const hash = createHash('sha256')
      let bytes = 0
      const chunks = Array.from({ length: 400 }, (_, index) => {
        const size = index % 50 === 0 ? 1_500_000 : (index * 7919) % 70_001
        const chunk = Buffer.alloc(paceMs > 0 ? size >> 2 : size, `${String(index)},`)
        hash.update(chunk)
        bytes += chunk.length
        return chunk
      })
      const ring = newRing()
      const told = readOnThread(ring, paceMs)
      const source = Readable.from(chunks)
      new RingWriter(ring, source)
      assert.deepEqual(await told, { hash: hash.digest('hex'), bytes, error: undefined })
    }
  })

  it('lets a source wait that is faster than its reader, and leaves it open when it is cut', async () => {
    const ring = newRing()
    const source = new PassThrough({ highWaterMark: 1000 })
    const writer = new RingWriter(ring, source)
    source.write(Buffer.alloc(3 << 20))
    source.write('more')
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok(source.isPaused())
    writer.cut()
    assert.ok(!source.destroyed)
    assert.equal((await readOnThread(ring)).error, 'the archive was cut short')
  })

  it('gives back the memory of a request’s chunks as it takes them, and leaves those of other streams whole', async () => {
    const sent = Buffer.alloc(3 << 20, 'body')
    const chunks: Buffer[] = []
    const server = http.createServer((request, response) => {
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      new RingWriter(ring, request)
      request.on('end', () => response.end())
    })
    const ring = newRing()
    const told = readOnThread(ring)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      await fetch(`http://127.0.0.1:${String(port)}`, { method: 'PUT', body: sent })
    } finally {
      server.close()
    }
    assert.equal((await told).bytes, sent.length)
    assert.ok(chunks.length > 10 && chunks.every(({ length }) => length === 0))
    const other = newRing()
    new RingWriter(other, Readable.from([sent]))
    assert.equal((await readOnThread(other)).bytes, sent.length)
    assert.equal(sent.length, 3 << 20)
  })

  it('tells a reader that already waits that no more will come', async () => {
    const ring = newRing()
    const source = new PassThrough()
    const writer = new RingWriter(ring, source)
    const told = readOnThread(ring)
    source.write('begun')
    // the second count: bytes that it has taken
    while (Atomics.load(new Int32Array(ring), 1) < 5)
      await new Promise((resolve) => setTimeout(resolve, 5))
    writer.cut()
    const { bytes, error } = await told
    assert.deepEqual([bytes, error], [5, 'the archive was cut short'])
  })
})
