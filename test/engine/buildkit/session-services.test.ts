import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { BYTES } from '../../../engine/buildkit/messages.ts'
import { getAgent } from '../../../engine/buildkit/session-services.ts'
import type { Session } from '../../../engine/buildkit/session.ts'

/** A session of a client whose ssh agent says this to whoever asks. */
function sessionOf(said: readonly Buffer[]): Session {
  const stream = {
    messages: async function* () {
      yield* said
    },
    send: () => Promise.resolve(),
    end: () => undefined,
    cancel: () => undefined,
  }
  const client = { unary: () => Promise.resolve({}), stream: () => stream }
  return { supports: () => true, client } as unknown as Session
}

async function askedOf(said: readonly Buffer[]): Promise<string> {
  const open = await getAgent(sessionOf(said), 'default', new AbortController().signal)
  return await text(open?.() ?? assert.fail())
}

describe('getAgent()', () => {
  const message = (data: string): Buffer => BYTES.encode({ data: Buffer.from(data) })

  it('reads what the agent says, in messages of any size', async () => {
    assert.equal(await askedOf([message('an '), message(''), message('answer')]), 'an answer')
  })

  it('ends the connection of who asked an agent that says what cannot be read', async () => {
    const malformed = askedOf([message('an '), Buffer.from([0xff])])
    await assert.rejects(malformed, { message: 'malformed BytesMessage' })
  })
})
