import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogLines } from '../../../server/live/log-lines.ts'
import type { LogLine } from '../../../server/live/protocol.ts'

const T1 = '2026-01-01T00:00:00.000000001Z'
const T2 = '2026-01-01T00:00:00.000000002Z'

function frame(type: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8)
  header[0] = type
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

function read(tty: boolean, bytes: Buffer, chunkSize: number): LogLine[] {
  const lines: LogLine[] = []
  const parser = new LogLines({ tty, emit: (line) => lines.push(line) })
  for (let i = 0; i < bytes.length; i += chunkSize) parser.push(bytes.subarray(i, i + chunkSize))
  parser.end()
  return lines
}

describe('LogLines', () => {
  it('gives the same lines wherever the chunks are cut', () => {
    const framed = Buffer.concat([
      frame(1, `${T1} out ü\n`),
      frame(2, `${T2} err\n`),
      frame(1, `${T2} \n`),
      frame(1, `${T1} a long `),
      frame(1, `${T2} line\n`),
      frame(1, `${T1} no newline`),
    ])
    const plain = Buffer.from(`${T1} out ü\r\n${T2} \x1b[1mbold\x1b[0m\r\n${T2} \r\n${T1} rest`)
    for (const [tty, bytes] of [
      [false, framed],
      [true, plain],
    ] as const) {
      const whole = read(tty, bytes, bytes.length)
      for (let size = 1; size < 50; size++)
        assert.deepEqual(read(tty, bytes, size), whole, `chunks of ${size}`)
    }
    assert.deepEqual(read(false, framed, framed.length), [
      { time: T1, stream: 'stdout', text: 'out ü' },
      { time: T2, stream: 'stderr', text: 'err' },
      { time: T2, stream: 'stdout', text: '' },
      { time: T1, stream: 'stdout', text: 'a long line' },
      { time: T1, stream: 'stdout', text: 'no newline' },
    ])
    assert.deepEqual(
      read(true, plain, plain.length).map(({ text }) => text),
      ['out ü', '\x1b[1mbold\x1b[0m', '', 'rest'],
    )
  })
})
