import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  checkRestartPolicy,
  restartDelayMs,
  shouldRestart,
  shouldStartWithEngine,
} from '../../../engine/containers/restart-policy.ts'

const failed = { exitCode: 1, manuallyStopped: false, restartCount: 0 }

test('shouldRestart() follows the policy, and a manual stop ends it', () => {
  assert.equal(shouldRestart({ Name: 'no' }, failed), false)
  assert.equal(shouldRestart(undefined, failed), false)
  assert.equal(shouldRestart({ Name: 'always' }, { ...failed, exitCode: 0 }), true)
  assert.equal(shouldRestart({ Name: 'always' }, { ...failed, manuallyStopped: true }), false)
  assert.equal(shouldRestart({ Name: 'on-failure' }, failed), true)
  assert.equal(shouldRestart({ Name: 'on-failure' }, { ...failed, exitCode: 0 }), false)
  assert.equal(
    shouldRestart({ Name: 'on-failure', MaximumRetryCount: 3 }, { ...failed, restartCount: 3 }),
    false,
  )
})

test('shouldStartWithEngine() lets always forget a manual stop, and unless-stopped remember it', () => {
  const stopped = { ...failed, manuallyStopped: true }
  assert.equal(shouldStartWithEngine({ Name: 'always' }, stopped), true)
  assert.equal(shouldStartWithEngine({ Name: 'unless-stopped' }, stopped), false)
  assert.equal(shouldStartWithEngine({ Name: 'unless-stopped' }, failed), true)
})

test('restartDelayMs() doubles up to a minute and starts over after a steady run', () => {
  assert.equal(restartDelayMs(0, 5), 100)
  assert.equal(restartDelayMs(100, 5), 200)
  assert.equal(restartDelayMs(51_200, 5), 60_000)
  assert.equal(restartDelayMs(60_000, 10_000), 100)
})

test('checkRestartPolicy() refuses what contradicts itself', () => {
  assert.throws(() => {
    checkRestartPolicy({ Name: 'always', MaximumRetryCount: 2 }, false)
  }, /only be used with 'on-failure'/)
  assert.throws(() => {
    checkRestartPolicy({ Name: 'always' }, true)
  }, /can't create 'AutoRemove' container with restart policy/)
  assert.throws(() => {
    checkRestartPolicy({ Name: 'sometimes' as 'no' }, false)
  }, /unknown policy 'sometimes'/)
  checkRestartPolicy({ Name: 'on-failure', MaximumRetryCount: 2 }, false)
})
