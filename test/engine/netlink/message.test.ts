import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeAddress } from '../../../engine/netlink/address.ts'
import { decodeLink } from '../../../engine/netlink/link.ts'
import {
  attribute,
  decodeAnswers,
  decodeAttributes,
  encode,
  nested,
  text,
  u32,
  type Request,
} from '../../../engine/netlink/message.ts'
import { decodeRoute } from '../../../engine/netlink/route.ts'

const request: Request = { what: 'make a thing', type: 16, flags: 0x400, body: Buffer.alloc(16) }
const EBADMSG = { code: 'SYSTEM', errno: 74 }

function message(type: number, sequence: number, body: Buffer, flags = 0): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(16 + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt32LE(sequence, 8)
  const padding = Buffer.alloc((4 - (body.length % 4)) % 4)
  return Buffer.concat([header, body, padding])
}

function acknowledgement(sequence: number, errno = 0): Buffer {
  const body = Buffer.alloc(20)
  body.writeInt32LE(-errno, 0)
  body.writeUInt32LE(16, 4)
  return message(2, sequence, body)
}

describe('netlink messages', () => {
  test('a request asks for an acknowledgement, a dump does not', () => {
    assert.equal(encode(request, 7).readUInt16LE(6), 0x400 | 1 | 4)
    assert.equal(encode({ ...request, flags: 0x300 }, 7).readUInt16LE(6), 0x300 | 1)
    assert.equal(encode(request, 7).readUInt32LE(8), 7)
  })

  test('answers go to the requests they answer, late ones of an earlier exchange to none', () => {
    const answers = decodeAnswers(
      Buffer.concat([
        acknowledgement(3, 17),
        message(16, 10, Buffer.alloc(16)),
        acknowledgement(10),
        acknowledgement(11, 17),
      ]),
      [request, { ...request, what: 'make another' }],
      10,
    )
    assert.equal(answers[0]?.messages.length, 1)
    assert.equal(answers[0]?.error, undefined)
    assert.equal(answers[1]?.error?.message, 'netlink make another: EEXIST')
  })

  test("the kernel's own words are part of the error", () => {
    const body = Buffer.concat([Buffer.alloc(20), attribute(1, text('Interface is up'))])
    body.writeInt32LE(-16, 0)
    body.writeUInt32LE(16, 4)
    const [answer] = decodeAnswers(message(2, 1, body, 0x200 | 0x100), [request], 1)
    assert.equal(answer?.error?.message, 'netlink make a thing: EBUSY (Interface is up)')
  })

  test('cut and lying answers are errors, wherever they are cut', () => {
    const whole = Buffer.concat([message(16, 1, Buffer.alloc(40)), acknowledgement(1)])
    for (let length = 1; length < whole.length; length++) {
      if (length === 56) continue // between the messages
      assert.throws(
        () => decodeAnswers(whole.subarray(0, length), [request], 1),
        EBADMSG,
        `cut at ${length}`,
      )
    }
    for (const lie of [0, 15, 1000, 0xffffffff]) {
      const bytes = Buffer.from(whole)
      bytes.writeUInt32LE(lie, 0)
      assert.throws(() => decodeAnswers(bytes, [request], 1), EBADMSG, `length ${lie}`)
    }
    assert.throws(() => decodeAnswers(message(2, 1, Buffer.alloc(2)), [request], 1), EBADMSG)
  })

  test('attributes that lie about their length are errors', () => {
    const good = Buffer.concat([attribute(3, text('eth0')), attribute(4, u32(1500))])
    assert.equal(decodeAttributes(good).size, 2)
    for (const lie of [0, 3, 200, 0xffff]) {
      const bytes = Buffer.from(good)
      bytes.writeUInt16LE(lie, 0)
      assert.throws(() => decodeAttributes(bytes), EBADMSG, `length ${lie}`)
    }
    assert.throws(() => decodeAttributes(good.subarray(0, good.length - 1)), EBADMSG)
  })

  test('links, addresses and routes that are too short are errors, odd ones are passed over', () => {
    const short = { type: 16, flags: 0, body: Buffer.alloc(7) }
    assert.throws(() => decodeLink(short), EBADMSG)
    assert.throws(() => decodeAddress(short), EBADMSG)
    assert.throws(() => decodeRoute(short), EBADMSG)
    assert.throws(
      () =>
        decodeLink({
          ...short,
          body: Buffer.concat([Buffer.alloc(16), attribute(4, Buffer.alloc(2))]),
        }),
      EBADMSG,
    )
    assert.deepEqual(decodeAddress({ ...short, body: Buffer.alloc(8) }), [], 'not IPv4')
    assert.deepEqual(decodeRoute({ ...short, body: Buffer.alloc(12) }), [])
    const link = decodeLink({
      ...short,
      body: Buffer.concat([
        Buffer.alloc(16),
        attribute(3, text('br0')),
        attribute(1, Buffer.from([2, 66, 10, 0, 0, 1])),
        nested(18, attribute(1, text('bridge'))),
      ]),
    })
    assert.equal(link.name, 'br0')
    assert.equal(link.kind, 'bridge')
    assert.equal(link.address, '02:42:0a:00:00:01')
  })
})
