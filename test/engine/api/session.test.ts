import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openDoor } from './door.ts'

describe('POST /session', () => {
  const id = { 'X-Docker-Expose-Session-Uuid': 'one' }
  for (const [what, headers, reason] of [
    ['a request that asks for no upgrade', {}, /no upgrade proto in request/],
    ['another protocol', { Upgrade: 'foo' }, /protocol foo not supported/],
    [
      'another protocol on a connection that is to be upgraded',
      { ...id, Connection: 'Upgrade', Upgrade: 'foo' },
      /protocol foo not supported/,
    ],
    // RFC 9110, 7.8: without that option the header is not the sender's but somebody's further away
    [
      'an upgrade without Connection',
      { ...id, Upgrade: 'h2c' },
      /request has no .*Connection: Upgrade/,
    ],
    ['a session without an ID', { Connection: 'Upgrade', Upgrade: 'h2c' }, /a session needs an ID/],
  ] as [string, Record<string, string>, RegExp][])
    it(`refuses ${what}`, async (t) => {
      const door = await openDoor(t, { system: { info: () => Promise.resolve({ ID: 'x' }) } })
      const { status, text } = await door.request('POST', '/session', undefined, headers)
      assert.equal(status, 400)
      assert.match(text, reason)
    })
})
