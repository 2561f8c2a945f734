import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { sendFreeing } from '../../engine/send-freeing.ts'

describe('sendFreeing()', () => {
  let source: Readable
  let sending: Promise<void>
  const server = http.createServer((_request, response) => {
    sending = sendFreeing(source, response)
    // awaited by each test
    sending.catch(() => undefined)
  })
  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const ask = async (): Promise<http.IncomingMessage> => {
    const { port } = server.address() as AddressInfo
    const request = http.get({ host: '127.0.0.1', port })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    return response
  }

  it('sends all of a stream, and gives back the memory of each chunk as it has been sent', async () => {
    const chunks = Array.from({ length: 30 }, (_, index) => Buffer.alloc(300_000, `${index},`))
    const whole = Buffer.concat(chunks)
    source = Readable.from(chunks)
    assert.ok((await buffer(await ask())).equals(whole))
    await sending
    assert.deepEqual([...new Set(chunks.map(({ length }) => length))], [0])
  })

  it('ends the stream when the client goes, also while that waits for more', async () => {
    source = new PassThrough()
    source.push('begun')
    const response = await ask()
    response.destroy()
    await assert.rejects(sending, /the client has gone/)
    assert.ok(source.destroyed)
  })

  it('breaks the connection off when the stream breaks', async () => {
    source = Readable.from(
      (async function* () {
        yield Buffer.from('begun')
        await new Promise((resolve) => setTimeout(resolve, 50))
        throw new Error('the disk is gone')
      })(),
    )
    await assert.rejects(buffer(await ask()), { code: 'ECONNRESET' })
    await assert.rejects(sending, /the disk is gone/)
  })
})
