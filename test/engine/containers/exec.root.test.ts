import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { patient } from '../../helpers/patience.ts'
import { shimPids } from '../../helpers/sweep-instance.ts'

describe('an exec in a container that ends at that moment', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  it('is refused as in one that has ended, also before the engine has heard of it', async () => {
    const { containers, execs } = host.engine
    const { Id } = await containers.create({ Image: 'busybox', Cmd: ['sleep', '1000'] })
    await containers.start(Id)
    const exec = await execs.create(Id, { Cmd: ['true'], User: 'root' })
    const pid = (await containers.inspect(Id)).State?.Pid ?? 0
    const [shim] = shimPids(host.instance)
    assert.ok(shim && pid > 1)
    process.kill(shim, 'SIGSTOP')
    try {
      process.kill(pid, 'SIGKILL')
      const isOver = (): boolean =>
        fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ')
      for (const end = Date.now() + patient(10_000); !isOver(); await sleep(5))
        assert.ok(Date.now() < end, 'it did not end')
      const refusal = { code: 'CONFLICT', message: `container ${Id} is not running` }
      await assert.rejects(execs.start(exec.Id), refusal)
      await assert.rejects(execs.create(Id, { Cmd: ['true'], User: 'root' }), refusal)
    } finally {
      process.kill(shim, 'SIGCONT')
    }
    await containers.wait(Id)
  })
})
