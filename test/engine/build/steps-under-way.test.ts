import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { asCaller } from '../../../engine/caller.ts'
import { StepsUnderWay } from '../../../engine/build/steps-under-way.ts'

/** A step of a build: when it is done, what it leads to is known to all. */
class Builds {
  readonly underWay = new StepsUnderWay()
  known = false
  waiting = 0
  readonly running: { end: () => void; fail: (error: Error) => void }[] = []

  come(signal = new AbortController().signal): Promise<boolean> {
    const isKnown = (): Promise<boolean> => Promise.resolve(this.known)
    const waits = (): void => {
      this.waiting++
    }
    const work = async (): Promise<void> => {
      await new Promise<void>((end, fail) => {
        this.running.push({ end, fail })
        signal.addEventListener('abort', () => fail(signal.reason as Error))
      })
      this.known = true
    }
    return this.underWay.run('key', { isKnown, waits, work }, signal)
  }
}

describe('steps that are under way', () => {
  it('are carried out once, and waited for by others', async () => {
    const builds = new Builds()
    const all = [builds.come(), builds.come(), builds.come()]
    await setImmediate()
    assert.deepEqual([builds.running.length, builds.waiting], [1, 2])
    builds.running[0]?.end()
    assert.deepEqual(await Promise.all(all), [true, false, false])
    builds.known = false
    const later = builds.come()
    builds.running[1]?.end()
    assert.equal(await later, true)
  })

  it('are tried again by all who waited when they fail, at the same time', async () => {
    const builds = new Builds()
    const first = builds.come()
    const others = [builds.come(), builds.come()]
    builds.running[0]?.fail(new Error('exit code 1'))
    await assert.rejects(first, /exit code 1/)
    await setImmediate()
    assert.equal(builds.running.length, 3)
    for (const { end } of builds.running) end()
    assert.deepEqual(await Promise.all(others), [true, true])
  })

  it('are taken over by one of those who waited when their build is cancelled', async () => {
    const builds = new Builds()
    const cancelled = new AbortController()
    const first = builds.come(cancelled.signal)
    const others = [builds.come(), builds.come()]
    cancelled.abort(new Error('cancelled'))
    await assert.rejects(first, /cancelled/)
    await setImmediate()
    assert.equal(builds.running.length, 2)
    builds.running[1]?.end()
    assert.deepEqual((await Promise.all(others)).sort(), [false, true])
  })

  it('are not waited for by who is cancelled, nor by another user', async () => {
    const builds = new Builds()
    const first = builds.come()
    const cancelled = new AbortController()
    const gone = builds.come(cancelled.signal)
    cancelled.abort(new Error('cancelled'))
    await assert.rejects(gone, /cancelled/)
    const user = { kind: 'console', name: 'ann', userId: '1' } as const
    const other = asCaller(user, () => builds.come())
    assert.equal(builds.running.length, 2)
    for (const { end } of builds.running) end()
    assert.deepEqual(await Promise.all([first, other]), [true, true])
  })
})
