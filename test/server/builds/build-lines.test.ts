import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BuildLogEvent } from '../../../engine/contract/builds.ts'
import { BuildLines } from '../../../server/builds/build-lines.ts'
import { writtenLog } from '../../../server/builds/written-log.ts'
import type { BuildLine } from '../../../server/live/protocol.ts'

const at = '2026-01-01T00:00:00.000Z'

function log(step: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): BuildLogEvent {
  return { kind: 'log', step, stream, data: Buffer.from(text), at }
}

function started(step: string, name: string): BuildLogEvent {
  return { kind: 'started', step, name, number: 1, total: 2, instruction: name, at }
}

const finished = (step: string): BuildLogEvent => ({
  kind: 'finished',
  step,
  cached: false,
  result: '',
  at: '2026-01-01T00:00:01.500Z',
})

function linesOf(events: BuildLogEvent[]): BuildLine[] {
  const found: BuildLine[] = []
  const lines = new BuildLines((line) => found.push(line))
  for (const event of events) lines.take(event)
  lines.end()
  return found
}

describe('BuildLines', () => {
  it('joins pieces of a line by step and stream, and numbers lines as they are finished', () => {
    const found = linesOf([
      log('0.1', 'a b'),
      log('1.1', 'other\n'),
      log('0.1', 'error\n', 'stderr'),
      log('0.1', 'eginning\nno newline'),
      finished('0.1'),
      log('1.1', 'at the end'),
    ])
    assert.deepEqual(
      found.map(({ n, step, stream, text }) => [n, step, stream, text]),
      [
        [0, '1.1', 'stdout', 'other'],
        [1, '0.1', 'stderr', 'error'],
        [2, '0.1', 'stdout', 'a beginning'],
        [3, '0.1', 'stdout', 'no newline'],
        [4, '1.1', 'stdout', 'at the end'],
      ],
    )
  })

  it('cuts a line without end into pieces, and joins characters that were cut', () => {
    const found = linesOf([log('0.1', 'x'.repeat(40_000)), finished('0.1')])
    assert.deepEqual(
      found.map(({ text }) => text.length),
      [16_384, 16_384, 7232],
    )
    const bytes = Buffer.from('é\n')
    const cut = linesOf([
      { kind: 'log', step: '0.1', stream: 'stdout', data: bytes.subarray(0, 1), at },
      { kind: 'log', step: '0.1', stream: 'stdout', data: bytes.subarray(1), at },
    ])
    assert.equal(cut[0]?.text, 'é')
  })

  it('tells of what is not kept and of layers in notes', () => {
    const found = linesOf([
      { kind: 'progress', step: '0.0', progress: { id: 'abc', status: 'Pull complete' } },
      { kind: 'clipped', step: '0.1', bytes: 12_345 },
    ])
    assert.deepEqual(
      found.map(({ stream, text }) => [stream, text]),
      [
        ['note', 'abc: Pull complete'],
        ['note', '12,345 bytes were printed here and not kept'],
      ],
    )
  })
})

describe('writtenLog', () => {
  it('says which step speaks whenever that is another than before', async () => {
    async function* events(): AsyncGenerator<BuildLogEvent> {
      yield* [
        started('0.1', '[a 1/1] RUN one'),
        started('1.1', '[b 1/1] RUN two'),
        log('0.1', 'from a\n'),
        log('1.1', 'from b\n'),
        log('1.1', 'more of b\n'),
        finished('1.1'),
        { kind: 'failed' as const, step: '0.1', message: 'it broke', at },
      ]
      await Promise.resolve()
    }
    let text = ''
    for await (const piece of writtenLog(events())) text += piece
    assert.equal(
      text,
      [
        '[a 1/1] RUN one',
        'from a',
        '[b 1/1] RUN two',
        'from b',
        'more of b',
        '[b 1/1] RUN two DONE 1.5s',
        '[a 1/1] RUN one',
        'ERROR it broke',
        '',
      ].join('\n'),
    )
  })
})
