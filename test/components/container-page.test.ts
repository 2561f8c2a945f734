import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jsonLines, valueAt } from '../../components/page/json-tree.ts'
import { decodeExit, whyOf } from '../../app/(console)/containers/[id]/_components/why.ts'

describe('whyOf()', () => {
  const exited = (ExitCode: number, more = {}) =>
    whyOf({ State: { Status: 'exited', ExitCode, ...more } })

  test('tells a kill from running out of memory', () => {
    assert.match(exited(137).title, /exit code 137 \(SIGKILL\)/)
    assert.match(exited(137, { OOMKilled: true }).title, /out of memory/)
    assert.match(exited(137, { OOMKilled: true }).details[0] ?? '', /limit/)
  })

  test('reads the codes of commands that never ran', () => {
    assert.match(exited(126).details[0] ?? '', /not executable/)
    assert.match(exited(127).details[0] ?? '', /not found/)
    assert.match(exited(125).details[0] ?? '', /set up/)
  })

  test('counts failed health checks', () => {
    const failing = (FailingStreak: number) =>
      whyOf({ State: { Status: 'running', Health: { Status: 'unhealthy', FailingStreak } } })
        .details
    assert.deepEqual(
      [failing(1), failing(3)],
      [['The last check failed.'], ['The last 3 checks failed.']],
    )
  })

  test('leads with what the engine said, and counts restarts', () => {
    const why = whyOf({
      State: { Status: 'created', Error: 'exec: "foo": not found' },
    })
    assert.deepEqual([why.tone, why.details[0]], ['bad', 'exec: "foo": not found'])
    assert.match(
      whyOf({ State: { Status: 'running' }, RestartCount: 2 }).details[0] ?? '',
      /Restarted 2 times/,
    )
  })

  test('a clean end is not a failure', () => {
    assert.equal(exited(0).tone, 'neutral')
    assert.equal(decodeExit(143, false).short, 'exit code 143 (SIGTERM)')
    assert.match(decodeExit(3, false).meaning ?? '', /itself/)
  })
})

describe('jsonLines()', () => {
  const value = { Name: '/web', Ports: { '80/tcp': [{ HostPort: '8080' }] }, Empty: {}, None: null }

  test('lays a document out, one member a line', () => {
    const lines = jsonLines(value, new Set(), '')
    assert.deepEqual(
      lines.map((line) => `${'  '.repeat(line.depth)}${line.name ?? ''} ${line.text}`.trimEnd()),
      [
        ' {',
        '  Name "/web"',
        '  Ports {',
        '    80/tcp [',
        '       {',
        '        HostPort "8080"',
        '       }',
        '     ]',
        '   }',
        '  Empty {}',
        '  None null',
        ' }',
      ].map((line) => line),
    )
  })

  test('folds, and searches with the way to what it finds', () => {
    const folded = jsonLines(value, new Set(['Ports']), '')
    assert.ok(!folded.some((line) => line.name === '80/tcp'))
    const found = jsonLines(value, new Set(['Ports']), '8080')
    assert.deepEqual(
      found.filter((line) => line.name !== null).map((line) => line.name),
      ['Ports', '80/tcp', 'HostPort'],
    )
    assert.deepEqual(jsonLines(value, new Set(), 'nowhere'), [])
  })

  test('paths lead back to the values', () => {
    for (const line of jsonLines(value, new Set(), '')) {
      if (line.kind === 'string') assert.equal(JSON.stringify(valueAt(value, line.path)), line.text)
    }
    assert.equal(valueAt(value, 'Ports["80/tcp"][0].HostPort'), '8080')
  })
})
