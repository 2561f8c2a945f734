import assert from 'node:assert/strict'
import { it } from 'node:test'
import { wallClock } from '../../engine/wall-clock.ts'

it('goes with the system’s clock when that is set, forward and back', (t) => {
  const now = Date.now
  t.after(() => {
    Date.now = now
  })
  for (const shift of [0, 3_600_000, -3_600_000, 0]) {
    Date.now = () => now() + shift
    for (let times = 0; times < 1000; times++) {
      const before = Date.now()
      const told = wallClock()
      assert.ok(told >= before && told < Date.now() + 1, `${String(told)} at ${String(before)}`)
    }
  }
})

it('does not go back within a millisecond', () => {
  let last = wallClock()
  for (let times = 0; times < 10_000; times++) {
    const next = wallClock()
    assert.ok(next >= last)
    last = next
  }
})
