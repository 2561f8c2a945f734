import assert from 'node:assert/strict'
import { test } from 'node:test'
import { initialState } from '../../../engine/containers/document.ts'
import { generateName, parseContainerName } from '../../../engine/containers/names.ts'
import { parseSignal } from '../../../engine/signals.ts'
import { humanDuration, statusText } from '../../../engine/containers/status-text.ts'
import { parseSize } from '../../../engine/size.ts'
import { parseMoment } from '../../../engine/until.ts'

test('parseSignal() knows names, numbers and real-time signals', () => {
  assert.equal(parseSignal('SIGTERM'), 15)
  assert.equal(parseSignal('term'), 15)
  assert.equal(parseSignal('9'), 9)
  assert.equal(parseSignal('RTMIN+3'), 37)
  assert.equal(parseSignal('SIGRTMAX'), 64)
  for (const wrong of ['', 'SIGNOPE', '0', '65', 'RTMAX+1']) {
    assert.throws(() => parseSignal(wrong), { code: 'INVALID_PARAMETER' }, wrong)
  }
})

test('statusText() says how a container is and since when', () => {
  const now = Date.parse('2026-01-01T00:10:00Z')
  const running = {
    ...initialState(),
    status: 'running' as const,
    startedAt: '2026-01-01T00:00:00Z',
  }
  assert.equal(statusText(running, undefined, now), 'Up 10 minutes')
  assert.equal(statusText(running, 'starting', now), 'Up 10 minutes (health: starting)')
  const exited = {
    ...running,
    status: 'exited' as const,
    exitCode: 137,
    finishedAt: '2026-01-01T00:09:30Z',
  }
  assert.equal(statusText(exited, undefined, now), 'Exited (137) 30 seconds ago')
  assert.equal(humanDuration(3600 * 24 * 3), '3 days')
})

test('parseContainerName() takes what Docker takes', () => {
  assert.equal(parseContainerName('/web-1'), 'web-1')
  for (const wrong of ['', 'a', '-web', 'web/1', 'wéb', 'web 1']) {
    assert.throws(() => parseContainerName(wrong), { code: 'INVALID_PARAMETER' }, wrong)
  }
})

test('generateName() never gives a taken name', () => {
  const taken = new Set<string>()
  for (let i = 0; i < 500; i++) {
    const name = generateName((candidate) => taken.has(candidate))
    assert.ok(!taken.has(name))
    assert.equal(parseContainerName(name), name)
    taken.add(name)
  }
})

test('parseSize() reads sizes in powers of 1024', () => {
  assert.equal(parseSize('10m'), 10 * 2 ** 20)
  assert.equal(parseSize('1.5GiB'), 1.5 * 2 ** 30)
  assert.equal(parseSize('512'), 512)
  assert.throws(() => parseSize('ten'), { code: 'INVALID_PARAMETER' })
})

test('parseMoment() reads epoch seconds, RFC 3339 and durations ago', () => {
  assert.equal(parseMoment('1700000000.5'), 1700000000.5)
  assert.equal(parseMoment('1h30m', 10_000), 10_000 - 5400)
  assert.equal(parseMoment('2026-01-01T00:00:00Z'), Date.parse('2026-01-01T00:00:00Z') / 1000)
  assert.throws(() => parseMoment('yesterday'), { code: 'INVALID_PARAMETER' })
})
