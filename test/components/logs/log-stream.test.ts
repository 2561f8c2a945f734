import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LogStreamReader } from '../../../components/logs/log-stream.ts'

const T = (n: number) => `2026-11-21T08:00:00.${String(n).padStart(9, '0')}Z`
const frame = (type: number, text: string) => {
  const payload = Buffer.from(text)
  const head = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0])
  head.writeUInt32BE(payload.length, 4)
  return Buffer.concat([head, payload])
}

describe('LogStreamReader', () => {
  const stream = Buffer.concat([
    frame(1, `${T(1)} one\n`),
    frame(2, `${T(2)} zwei äöü €\n`),
    frame(1, `${T(3)} \n`),
    frame(1, `${T(4)} ${'x'.repeat(100)}`),
    frame(2, `${T(5)} between\n`),
    frame(1, `${T(4)} rest\n`),
    frame(1, `${T(6)} open`),
  ])
  const expected = [
    ['stdout', T(1), 'one'],
    ['stderr', T(2), 'zwei äöü €'],
    ['stdout', T(3), ''],
    ['stderr', T(5), 'between'],
    ['stdout', T(4), `${'x'.repeat(100)}rest`],
    ['stdout', T(6), 'open'],
  ]

  for (const size of [1, 2, 7, 13, 1000]) {
    test(`reads frames cut every ${size} bytes`, () => {
      const reader = new LogStreamReader(false)
      const lines = []
      for (let at = 0; at < stream.length; at += size) {
        lines.push(...reader.push(stream.subarray(at, at + size)))
      }
      lines.push(...reader.end())
      assert.deepEqual(
        lines.map((l) => [l.stream, l.time, l.text]),
        expected,
      )
      assert.equal(lines.at(-1)?.open, true)
    })
  }

  test('reads plain bytes with a TTY', () => {
    const reader = new LogStreamReader(true)
    const bytes = Buffer.from(`${T(1)} a€b\r\n${T(2)} c\r\n`)
    const lines = [...bytes].flatMap((byte) => reader.push(Uint8Array.of(byte)))
    assert.deepEqual(
      lines.map((l) => [l.time, l.text]),
      [
        [T(1), 'a€b'],
        [T(2), 'c'],
      ],
    )
  })

  test('keeps a line without a timestamp', () => {
    const [line] = new LogStreamReader(false).push(frame(2, 'strange\n'))
    assert.deepEqual(line, { time: '', stream: 'stderr', text: 'strange' })
  })
})
