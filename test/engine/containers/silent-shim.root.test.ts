import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { patient } from '../../helpers/patience.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'
import { shimPids } from '../../helpers/sweep-instance.ts'

type Restart = 'no' | 'always' | 'on-failure'

describe('an engine that finds a shim which does not answer', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  const run = async (script: string, restart: Restart = 'no'): Promise<string> => {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', script],
      HostConfig: { RestartPolicy: { Name: restart } },
    })
    await host.engine.containers.start(Id)
    return Id
  }
  const stateOf = async (id: string) => (await host.engine.containers.inspect(id)).State
  const outputOf = async (id: string): Promise<string> => {
    const { stream } = await host.engine.containers.logs(id, { stdout: true })
    return (await demultiplex(stream)).stdout
  }
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    for (const end = Date.now() + patient(20_000); !(await holds()); await sleep(20))
      assert.ok(Date.now() < end, 'it did not come about')
  }
  /** Runs a container, and has the engine opened anew while its shim is stopped. */
  const runSilent = async (script: string, restart?: Restart): Promise<[string, number]> => {
    const others = shimPids(host.instance)
    const id = await run(script, restart)
    await until(async () => (await outputOf(id)).includes('ready'))
    const [shim] = shimPids(host.instance).filter((pid) => !others.includes(pid))
    assert.ok(shim, 'it has a shim')
    await host.reopenAround(() => process.kill(shim, 'SIGSTOP'))
    return [id, shim]
  }

  test('opens all the same, says whose it is, and joins it once it answers', async () => {
    const other = await run('sleep 1000')
    const [id, shim] = await runSilent('echo ready; sleep 1000')
    try {
      const { Name, State } = await host.engine.containers.inspect(id)
      assert.equal(State?.Status, 'running')
      const name = Name?.slice(1) ?? ''
      const told = host.warnings.filter((warning) => warning.includes('has not answered'))
      assert.equal(told.length, 1, 'it is said once')
      assert.ok(told[0]?.startsWith(`container ${name}: `), told[0])
      const exec = { Cmd: ['true'] }
      await assert.rejects(host.engine.execs.create(id, exec), {
        code: 'UNAVAILABLE',
        message: /has not answered since the engine started: wait for it, or kill the container/,
      })
      await assert.rejects(host.engine.containers.start(id), { code: 'NOT_MODIFIED' })
      await host.engine.execs.create(other, exec)
      await host.engine.containers.remove(other, { force: true })
    } finally {
      process.kill(shim, 'SIGCONT')
    }
    await until(async () => {
      return await host.engine.execs.create(id, { Cmd: ['true'] }).then(
        () => true,
        () => false,
      )
    })
    await host.engine.containers.kill(id)
    await until(async () => (await stateOf(id))?.Status === 'exited')
    assert.equal((await stateOf(id))?.ExitCode, 137)
  })

  test('kills it with its container when that is killed, and removes it when told to', async () => {
    const [id, shim] = await runSilent('echo ready; sleep 1000', 'always')
    const pid = (await stateOf(id))?.Pid ?? 0
    const { exited } = await host.engine.containers.wait(id)
    await host.engine.containers.kill(id)
    // nobody knows how it would have ended
    assert.equal((await exited).StatusCode, 255)
    assert.ok(pid > 0)
    // what is left of it is for the host's init to collect
    await until(() => Promise.resolve(!fs.existsSync(`/proc/${String(pid)}`)))
    assert.equal(shimPids(host.instance).includes(shim), false)
    assert.equal((await stateOf(id))?.Status, 'exited')
    await host.engine.containers.start(id)
    await host.engine.containers.remove(id, { force: true })

    const [doomed] = await runSilent('echo ready; sleep 1000')
    await host.engine.containers.remove(doomed, { force: true })
    await assert.rejects(host.engine.containers.inspect(doomed), { code: 'NOT_FOUND' })
    assert.deepEqual(shimPids(host.instance), [])
  })

  test('tells its container of signals, and starts it again by its policy when its shim dies', async () => {
    const [id, shim] = await runSilent(
      'trap "echo told > /told" USR1; echo ready; while :; do sleep 0.1; done',
      'on-failure',
    )
    const pid = (await stateOf(id))?.Pid ?? 0
    await host.engine.containers.kill(id, 'USR1')
    await until(async () => {
      const changes = await host.engine.containers.changes(id)
      return changes.some(({ Path }) => Path === '/told')
    })
    process.kill(shim, 'SIGKILL')
    await until(async () => {
      const state = await stateOf(id)
      return state?.Status === 'running' && state.Pid !== pid
    })
    await host.engine.containers.stop(id, { timeout: 0 })
    await host.engine.containers.remove(id)
  })
})
