import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lastStep } from '../../../components/ui/use-now.ts'

const MINUTE = 60_000

test('an age that is counted in minutes is never a minute behind, whenever it began', () => {
  const since = 1_000_000 * MINUTE + 59_000
  const minutesAfter = (ms: number): number =>
    (lastStep(since + ms, MINUTE, since) - since) / MINUTE
  assert.deepEqual([0, 59_999, MINUTE, 4 * MINUTE + 34_000].map(minutesAfter), [0, 0, 1, 4])
})
