import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { causerOf, makerName, makerOf } from '../../../components/callers/caller-words.ts'
import { detailsOf } from '../../../components/events/event-words.ts'

const event = (attributes: Record<string, string>) => ({
  Type: 'container' as const,
  Action: 'start',
  Actor: { ID: 'a', Attributes: { name: 'web', image: 'nginx', ...attributes } },
})

describe('who did it, in words', () => {
  it('is a console user, a unix user with the program, or the engine’s reason', () => {
    const socket = { 'gantry.by': 'root', 'gantry.door': 'socket', 'gantry.command': 'docker' }
    const system = {
      'gantry.by': 'system',
      'gantry.door': 'system',
      'gantry.reason': 'health check',
    }
    assert.equal(causerOf(event({ 'gantry.by': 'ann', 'gantry.door': 'console' })), 'ann')
    assert.equal(causerOf(event(socket)), 'root · docker')
    assert.equal(causerOf(event(system)), 'health check')
  })

  it('is nothing on an engine that does not tell', () => {
    assert.equal(causerOf(event({})), undefined)
    assert.equal(makerOf({ Id: 'a' }), undefined)
    assert.equal(makerName({ Id: 'a' }), undefined)
  })

  it('is not said twice', () => {
    assert.equal(detailsOf(event({ 'gantry.by': 'ann', 'gantry.door': 'console' })), 'image=nginx')
  })
})
