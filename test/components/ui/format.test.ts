import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatPercent,
} from '../../../components/ui/format.ts'

describe('formats', () => {
  it('bytes in binary units, never 1024 of one', () => {
    assert.equal(formatBytes(0), '0 B')
    assert.equal(formatBytes(1536), '1.5 KiB')
    assert.equal(formatBytes(1024 ** 2 - 1), '1.0 MiB')
    assert.equal(formatBytes(250 * 1024 ** 3), '250 GiB')
    assert.equal(formatBytes(Number.NaN), '–')
  })
  it('per cent with fewer digits the larger it is', () => {
    assert.deepEqual([0.123, 12.34, 99.97].map(formatPercent), ['0.12%', '12.3%', '100%'])
  })
  it('spans of time in two units, ages in one', () => {
    assert.equal(formatDuration(200_000), '3m 20s')
    assert.equal(formatDuration(26 * 3_600_000), '1d 2h')
    assert.equal(formatAge(26 * 3_600_000), '1d')
  })
})
