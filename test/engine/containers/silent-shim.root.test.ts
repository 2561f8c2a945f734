import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { shimPids } from '../../helpers/sweep-instance.ts'

describe('an engine that finds a shim which does not answer', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  test('says for whose it waits, and has its container run on once it answers', async () => {
    const { Id } = await host.engine.containers.create({ Image: 'busybox', Cmd: ['sleep', '1000'] })
    await host.engine.containers.start(Id)
    const { Name, State: before } = await host.engine.containers.inspect(Id)
    const [shim] = shimPids(host.instance)
    assert.ok(shim)
    const reopened = host.reopenAround(() => process.kill(shim, 'SIGSTOP'))
    try {
      const told = (): string | undefined =>
        host.warnings.find((warning) => warning.includes('does not answer'))
      for (let n = 0; n < 150 && told() === undefined; n++) await sleep(100)
      assert.match(told() ?? '', new RegExp(`container ${Name?.slice(1) ?? ''} listens at`))
    } finally {
      process.kill(shim, 'SIGCONT')
      await reopened
    }
    const { State } = await host.engine.containers.inspect(Id)
    assert.deepEqual([State?.Status, State?.Pid], ['running', before?.Pid])
    await host.engine.containers.kill(Id)
    const { exited } = await host.engine.containers.wait(Id)
    assert.equal((await exited).StatusCode, 137)
  })
})
