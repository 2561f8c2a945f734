import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compact, stateOf } from '../../../components/containers/state.ts'

describe('stateOf', () => {
  it('says how long it is up', () =>
    assert.deepEqual(stateOf({ State: 'running', Status: 'Up 5 minutes' }), {
      condition: 'running',
      word: 'Running',
      tone: 'ok',
      detail: 'up 5m',
    }))
  it('decodes an exit code', () =>
    assert.deepEqual(stateOf({ State: 'exited', Status: 'Exited (137) About an hour ago' }), {
      condition: 'exited',
      word: 'Exited (137)',
      tone: 'bad',
      detail: 'killed, 1h ago',
    }))
  it('finds health in the words of older engines', () =>
    assert.equal(
      stateOf({ State: 'running', Status: 'Up 3 hours (unhealthy)' }).condition,
      'unhealthy',
    ))
})

describe('compact', () => {
  it('shortens what Docker says', () => {
    assert.equal(compact('Less than a second ago'), '0s ago')
    assert.equal(compact('About a minute'), '1m')
    assert.equal(compact('3 weeks ago'), '3w ago')
    assert.equal(compact('2 months'), '2mo')
  })
})
