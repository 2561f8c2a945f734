import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { errorIn, frame, messagesOf, trailersOf } from '../../../engine/buildkit/grpc-frames.ts'
import { GrpcError } from '../../../engine/buildkit/grpc-error.ts'

describe('messagesOf()', () => {
  async function read(...chunks: Buffer[]): Promise<string[]> {
    const messages: string[] = []
    for await (const message of messagesOf(Readable.from(chunks))) messages.push(message.toString())
    return messages
  }

  it('finds messages however they are cut', async () => {
    const bytes = Buffer.concat(['one', '', 'three'].map((text) => frame(Buffer.from(text))))
    for (let size = 1; size <= bytes.length; size++) {
      const chunks: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
      assert.deepEqual(await read(...chunks), ['one', '', 'three'])
    }
  })

  it('refuses messages that are too long, compressed or cut short', async () => {
    await assert.rejects(read(Buffer.from([0, 255, 255, 255, 255])), /too long/)
    await assert.rejects(read(Buffer.from([1, 0, 0, 0, 0])), /compressed/)
    await assert.rejects(read(Buffer.from([0, 0, 0, 0, 2, 65])), /cut short/)
  })
})

describe('trailersOf()', () => {
  it('carries any words', () => {
    const told = errorIn(trailersOf(new GrpcError('NOT_FOUND', 'nö 100%\nthere')))
    assert.equal(told?.grpcCode, 5)
    assert.equal(told.message, 'nö 100%\nthere')
    assert.equal(errorIn(trailersOf(undefined)), undefined)
  })
})
