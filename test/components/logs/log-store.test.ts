import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LogStore, type GapRow } from '../../../components/logs/log-store.ts'

const T = (n: number) => `2026-11-21T08:00:00.${String(n).padStart(9, '0')}Z`
const line = (n: number) => ({ time: T(n), stream: 'stdout' as const, text: String(n) })
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => line(from + i))
const mark = (n: number, text: string) => {
  return { kind: 'marker' as const, time: T(n), toldAt: T(n), text, tone: 'good' as const }
}
const texts = (store: LogStore) =>
  store.rows.map((row) =>
    row.kind === 'line' ? row.text : row.kind === 'gap' ? `gap ${row.count}` : `-- ${row.text}`,
  )

describe('LogStore', () => {
  test('joins history and live lines without losing or doubling any', () => {
    const store = new LogStore()
    store.resync({ lines: lines(5, 8), skipped: 0 })
    store.append({ lines: lines(9, 10), skipped: 0 })
    assert.equal(store.prepend(lines(2, 9)), 3)
    assert.deepEqual(texts(store), ['2', '3', '4', '5', '6', '7', '8', '9', '10'])
  })

  test('knows live lines that history brought first', () => {
    const store = new LogStore()
    store.resync({ lines: [], skipped: 0 })
    store.prepend(lines(1, 4))
    store.append({ lines: lines(3, 6), skipped: 0 })
    assert.deepEqual(texts(store), ['1', '2', '3', '4', '5', '6'])
  })

  test('takes up after a lost connection', () => {
    const store = new LogStore()
    store.resync({ lines: lines(1, 3), skipped: 0 })
    store.resync({ lines: lines(2, 6), skipped: 0 })
    assert.deepEqual(texts(store), ['1', '2', '3', '4', '5', '6'])
    store.resync({ lines: lines(2, 6), skipped: 0 })
    assert.equal(store.lines, 6)
  })

  test('leaves a gap where the snapshot does not reach back, and fills it', () => {
    const store = new LogStore()
    store.resync({ lines: lines(1, 3), skipped: 0 })
    store.resync({ lines: lines(7, 8), skipped: 0 })
    assert.deepEqual(texts(store), ['1', '2', '3', 'gap null', '7', '8'])
    const gap = store.rows[3] as GapRow
    assert.deepEqual(store.around(gap), { since: T(3), until: T(7) })
    store.fill(gap, lines(3, 7))
    assert.deepEqual(texts(store), ['1', '2', '3', '4', '5', '6', '7', '8'])
  })

  test('shows skipped lines as a row', () => {
    const store = new LogStore()
    store.append({ lines: lines(1, 1), skipped: 0 })
    store.append({ lines: lines(9, 9), skipped: 7 })
    assert.deepEqual(texts(store), ['1', 'gap 7', '9'])
  })

  test('only counts arrivals beyond a bound while the user reads', () => {
    const store = new LogStore({ maxRows: 1000, maxUnread: 3 })
    store.append({ lines: lines(1, 2), skipped: 0 })
    store.following = false
    store.append({ lines: lines(3, 5), skipped: 0 })
    store.append({ lines: lines(6, 9), skipped: 0 })
    store.append({ lines: lines(10, 10), skipped: 0 })
    assert.deepEqual(texts(store), ['1', '2', '3', '4', '5', 'gap 5'])
    assert.equal(store.unread, 8)
    store.fill(store.rows.at(-1) as GapRow, lines(4, 12))
    store.following = true
    store.append({ lines: lines(11, 13), skipped: 0 })
    assert.deepEqual(texts(store).at(-1), '13')
    assert.equal(store.lines, 13)
  })

  test('lets the oldest go when it holds too many', () => {
    const store = new LogStore({ maxRows: 100, maxUnread: 10 })
    store.append({ lines: lines(1, 105), skipped: 0 })
    assert.equal(store.rows.length, 90)
    assert.equal(store.lines, 90)
    assert.equal(store.last?.text, '105')
  })

  test('puts markers where they belong in time, once', () => {
    const store = new LogStore()
    const marker = mark(2, 'started')
    store.resync({ lines: [line(1), line(3)], skipped: 0 })
    store.mark(marker)
    store.mark({ ...marker })
    assert.deepEqual(texts(store), ['1', '-- started', '3'])
  })

  test('puts lines before a marker that overtook them', () => {
    const store = new LogStore()
    store.append({ lines: [line(1)], skipped: 0 })
    store.mark(mark(4, 'ended'))
    store.append({ lines: [line(2), line(3), line(5)], skipped: 0 })
    assert.deepEqual(texts(store), ['1', '2', '3', '-- ended', '5'])
  })

  test('puts a start before the lines printed until it was told, but after the end before it', () => {
    const store = new LogStore()
    const at = (ms: number) => `2026-11-21T08:00:00.${String(ms).padStart(3, '0')}000000Z`
    const printed = (ms: number) => ({ time: at(ms), stream: 'stdout' as const, text: `${ms}` })
    store.append({ lines: [printed(100), printed(700), printed(750)], skipped: 0 })
    const told = (ms: number, text: string) => ({ ...mark(0, text), time: at(ms), toldAt: at(ms) })
    store.mark(told(650, 'ended'))
    store.mark({ ...told(800, 'started'), earlierMs: 300 })
    assert.deepEqual(texts(store), ['100', '-- ended', '-- started', '700', '750'])
  })

  test('moves markers older than what was known among older lines', () => {
    const store = new LogStore()
    store.resync({ lines: lines(5, 6), skipped: 0 })
    store.mark(mark(3, 'started'))
    store.prepend([line(1), line(2), line(4)])
    assert.deepEqual(texts(store), ['1', '2', '-- started', '4', '5', '6'])
  })

  test('replaces a line that was open when it comes whole', () => {
    const store = new LogStore()
    store.prepend([line(1), { ...line(2), text: 'pro', open: true }])
    store.append({ lines: [{ ...line(2), text: 'prompt' }, line(3)], skipped: 0 })
    assert.deepEqual(texts(store), ['1', 'prompt', '3'])
  })

  test('clears the view, and brings the lines back', () => {
    const store = new LogStore()
    store.resync({ lines: lines(1, 3), skipped: 0 })
    store.clear()
    assert.equal(store.prepend(lines(1, 3)), 0)
    store.append({ lines: [line(4)], skipped: 0 })
    assert.deepEqual(texts(store), ['4'])
    store.restore()
    store.prepend(lines(1, 3))
    assert.deepEqual(texts(store), ['1', '2', '3', '4'])
  })
})
