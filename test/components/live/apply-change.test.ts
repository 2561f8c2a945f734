import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { applyChange } from '../../../components/live/apply-change.ts'

describe('applyChange', () => {
  it('patches, removes and puts new containers on top', () => {
    const before = [{ Id: 'a', State: 'running' as const }, { Id: 'b' }, { Id: 'c' }]
    const after = applyChange('containers', before, {
      changed: [{ Id: 'a', State: 'exited' }, { Id: 'd' }],
      removed: ['b'],
    })
    assert.deepEqual(after, [{ Id: 'd' }, { Id: 'a', State: 'exited' }, { Id: 'c' }])
    assert.equal(before[0]?.State, 'running', 'what was given stays as it was')
  })
  it('keeps a bounded number of events', () => {
    const many = Array.from({ length: 3000 }, (_, time) => ({ time }))
    const after = applyChange('events', many, [{ time: 3000 }])
    assert.equal(after.length, 2000)
    assert.equal(after.at(-1)?.time, 3000)
  })
})
