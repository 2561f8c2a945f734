import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { readBody } from '../../../server/api/handler.ts'

describe('readBody()', () => {
  const post = (body: BodyInit) =>
    new Request('http://console/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit)

  it('takes a body in pieces, and characters that lie across two of them', async () => {
    const [first, second] = [
      Buffer.from('{"name":"J\u00fc').subarray(0, 11),
      Buffer.from('{"name":"J\u00fc').subarray(11),
    ]
    const body = new ReadableStream({
      start(controller) {
        for (const piece of [first, second, Buffer.from('rgen"}')]) controller.enqueue(piece)
        controller.close()
      },
    })
    assert.deepEqual(await readBody(post(body), z.object({ name: z.string() })), {
      name: 'J\u00fcrgen',
    })
  })

  it('reads no further than a body may be long', async () => {
    let sent = 0
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(Buffer.alloc(65_536, 0x20))
      },
    })
    await assert.rejects(readBody(post(endless), z.unknown()), {
      message: 'The body is too large.',
    })
    assert.ok(sent < 2 << 20, `${sent} bytes were taken`)
  })
})
