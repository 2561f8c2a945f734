import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LineRow } from '../../../components/logs/log-store.ts'
import { LogView, type ViewOptions } from '../../../components/logs/log-view.ts'
import { findRanges, markRanges, searchPattern } from '../../../components/logs/search.ts'
import { guessLevel } from '../../../components/logs/level.ts'
import {
  apiTime,
  formatTime,
  normalizeTime,
  timeFromNanos,
} from '../../../components/logs/log-time.ts'

const row = (plain: string, stream: LineRow['stream'] = 'stdout'): LineRow => ({
  kind: 'line',
  time: '',
  stream,
  text: plain,
  plain,
})
const all: ViewOptions = {
  streams: { stdout: true, stderr: true },
  search: null,
  filter: false,
  columns: null,
}

describe('LogView', () => {
  test('finds rows by their place when lines wrap', () => {
    const view = new LogView({ ...all, columns: 10 }, [
      row('short'),
      row('x'.repeat(25)),
      row(''),
      row('y'.repeat(10)),
    ])
    assert.equal(view.height, 6)
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => view.topOf(i)),
      [0, 1, 4, 5],
    )
    assert.deepEqual(
      [0, 1, 3, 4, 5, 99].map((y) => view.rowAt(y)),
      [0, 1, 1, 2, 3, 3],
    )
  })

  test('keeps to the chosen stream and to what matches', () => {
    const rows = [row('apple'), row('pear', 'stderr'), row('grape', 'stderr')]
    assert.equal(
      new LogView({ ...all, streams: { stdout: false, stderr: true } }, rows).rows.length,
      2,
    )
    const view = new LogView({ ...all, search: /ap/gi, filter: true }, rows)
    assert.deepEqual(
      view.rows.map((r) => r.kind === 'line' && r.plain),
      ['apple', 'grape'],
    )
    assert.equal(view.extend([row('melon'), row('tap')]), 1)
  })

  test('goes from match to match and round', () => {
    const view = new LogView(
      { ...all, search: /x/g },
      ['a', 'x', 'b', 'x'].map((t) => row(t)),
    )
    assert.deepEqual(view.matches, [1, 3])
    assert.equal(view.matchFrom(1, 1), 1)
    assert.equal(view.matchFrom(3, 1), 0)
    assert.equal(view.matchFrom(1, -1), 1)
    assert.equal(new LogView(all, [row('a')]).matchFrom(0, 1), -1)
  })

  test('takes 200,000 lines in a moment', () => {
    const rows = Array.from({ length: 200_000 }, (_, i) =>
      row(`line ${i} of a log that is neither short nor very long`),
    )
    // a time that only what is quadratic takes
    const started = performance.now()
    const view = new LogView({ ...all, search: /99999/g, columns: 40 }, rows)
    assert.ok(performance.now() - started < 15_000)
    assert.equal(view.matches.length, 2)
  })
})

describe('searchPattern()', () => {
  test('takes plain text literally unless asked', () => {
    assert.ok(
      searchPattern({ text: 'a.b', regex: false, matchCase: false }).expression?.test('xA.By'),
    )
    assert.ok(
      !searchPattern({ text: 'a.b', regex: false, matchCase: false }).expression?.test('axb'),
    )
    assert.ok(!searchPattern({ text: 'a', regex: false, matchCase: true }).expression?.test('A'))
  })

  test('says what is wrong with a pattern', () => {
    assert.match(
      searchPattern({ text: '(', regex: true, matchCase: false }).error ?? '',
      /Unterminated group/,
    )
    assert.match(searchPattern({ text: 'a*', regex: true, matchCase: false }).error ?? '', /empty/)
  })
})

test('markRanges() cuts styled pieces where the search matches', () => {
  const pieces = [{ text: 'abc' }, { text: 'defg' }]
  const marked = markRanges(pieces, findRanges(/cde|g/g, 'abcdefg'))
  assert.deepEqual(
    marked.map((m) => [m.text, m.found]),
    [
      ['ab', false],
      ['c', true],
      ['de', true],
      ['f', false],
      ['g', true],
    ],
  )
  assert.equal(marked[1]?.of, pieces[0])
})

test('guessLevel() reads JSON, logfmt and words', () => {
  assert.equal(guessLevel('{"level":"warn","msg":"error in name"}'), 'warn')
  assert.equal(guessLevel('level=debug msg=hi'), 'debug')
  assert.equal(guessLevel('2026-11-21 [ERROR] no'), 'error')
  assert.equal(guessLevel('GET /terror 200'), null)
})

test('times keep their nanoseconds and their order', () => {
  assert.equal(normalizeTime('2026-11-21T08:00:00.5Z'), '2026-11-21T08:00:00.500000000Z')
  assert.equal(normalizeTime('2026-11-21T08:00:00Z'), '2026-11-21T08:00:00.000000000Z')
  assert.equal(normalizeTime('2026-11-21T09:00:00.1234+01:00'), '2026-11-21T08:00:00.123400000Z')
  assert.equal(apiTime('2026-11-21T08:00:00.000000007Z'), '1795248000.000000007')
  assert.equal(timeFromNanos(1795248000123456800).slice(0, 26), '2026-11-21T08:00:00.123456')
  assert.equal(formatTime('2026-11-21T08:00:00.123456789Z', 'utc'), '2026-11-21 08:00:00.123Z')
  assert.equal(
    formatTime('2026-11-21T08:00:00.000000000Z', 'relative', Date.parse('2026-11-21T08:02:10Z')),
    '2 min ago',
  )
})
