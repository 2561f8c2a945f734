import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogFormatter, parseLine } from '../../../engine/logs/format.ts'

function format(lines: Buffer, options: { timestamps?: boolean; tty?: boolean } = {}): Buffer {
  const { timestamps = false, tty = true } = options
  const formatter = new LogFormatter(tty, { stdout: true, stderr: true, timestamps })
  return Buffer.concat([...formatter.format(lines)])
}

/** The same numbers each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let x = seed; ;) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    yield x >>> 8
  }
}

const PIECES = [
  'plain text ',
  '\\n',
  '\\"',
  '\\\\',
  '\\/',
  '\\u0000',
  '\\u00e4',
  '\\u20ac',
  '\\ud83d\\ude00',
  '\\ud83d',
  '\\ude00',
  '\\ud83d\\u0041',
  'ä€😀',
  '","stream":"stderr\\"',
  '{\\"log\\":\\"x\\"}',
]

describe('LogFormatter', () => {
  it('makes of a line what JSON.parse makes of it', () => {
    const random = numbers(7)
    const pick = (count: number): number => random.next().value % count
    for (let round = 0; round < 3000; round++) {
      const text = Array.from({ length: pick(8) }, () => PIECES[pick(PIECES.length)]).join('')
      const time = `2026-11-21T08:00:00${['', '.5', '.123456789', '.000000001'][pick(4)] ?? ''}Z`
      const line = `{"log":"${text}","stream":"${pick(2) === 0 ? 'stdout' : 'stderr'}","time":"${time}"}`
      const entry = parseLine(line)
      assert.ok(entry)
      const stamped = Buffer.from(`${entry.time} ${entry.log}`)
      const output = format(Buffer.from(`${line}\n`), { timestamps: true, tty: false })
      assert.equal(output[0], entry.stream === 'stdout' ? 1 : 2)
      assert.equal(output.readUInt32BE(4), stamped.length)
      assert.deepEqual(output.subarray(8), stamped, line)
    }
  })

  it('takes lines that are broken anywhere, and those around them come through', () => {
    const random = numbers(11)
    const whole = Buffer.from(
      '{"log":"whole\\n","stream":"stdout","time":"2026-11-21T08:00:00Z"}\n',
    )
    for (let round = 0; round < 5000; round++) {
      const broken = Buffer.from(
        '{"log":"x \\u00e4 \\n","stream":"stdout","attrs":{"a":"b"},"time":"2026-11-21T08:00:00.25Z"}',
      ).subarray(0, 1 + (random.next().value % 92))
      for (let hit = random.next().value % 4; hit > 0; hit--)
        broken[random.next().value % broken.length] = random.next().value % 256
      const lines = Buffer.concat([whole, broken, Buffer.from('\n'), whole])
      const output = format(lines).toString('latin1')
      assert.ok(
        output.startsWith('whole\n') && output.endsWith('whole\n'),
        lines.toString('latin1'),
      )
    }
  })
})
