import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { shimPids, sweepInstance } from '../../helpers/sweep-instance.ts'

describe('a host that reboots', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  before(async () => {
    await importBusybox(await host.start())
  })
  after(async () => {
    await host.kill()
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function make(config: ContainerCreateConfig = {}): Promise<string> {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      ...config,
    })
    return Id
  }
  async function run(config: ContainerCreateConfig = {}): Promise<string> {
    const id = await make(config)
    await host.engine.containers.start(id)
    return id
  }
  const withPolicy = (
    Name: 'always' | 'unless-stopped' | 'on-failure' | 'no',
  ): ContainerCreateConfig => ({ HostConfig: { RestartPolicy: { Name } } })

  /** Every process goes at once, and what was in memory: the runtime directory, cgroups, links. The data stays. */
  async function reboot(): Promise<Engine> {
    await host.kill()
    for (const pid of shimPids(host.instance)) process.kill(pid, 'SIGKILL')
    await sweepInstance(host.instance)
    for (const mount of fs
      .readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((target) => target.startsWith(host.instance.runRoot)))
      spawnSync('umount', ['-l', mount])
    fs.rmSync(host.instance.runRoot, { recursive: true, force: true })
    return host.start()
  }

  const stateOf = async (id: string): Promise<{ status: string; code: number }> => {
    const { State } = await host.engine.containers.inspect(id)
    return { status: State?.Status ?? '', code: State?.ExitCode ?? -1 }
  }
  async function until(id: string, status: string): Promise<void> {
    const deadline = Date.now() + 15_000
    for (;;) {
      const now = await stateOf(id)
      if (now.status === status) return
      if (Date.now() > deadline) throw new Error(`${id} is ${now.status}, not ${status}`)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }

  test('starts what its policy wants, remembers what was stopped by hand, and removes what is to be removed', async () => {
    const always = await run(withPolicy('always'))
    const stoppedAlways = await run(withPolicy('always'))
    const unlessStopped = await run(withPolicy('unless-stopped'))
    const stopped = await run(withPolicy('unless-stopped'))
    const killed = await run(withPolicy('unless-stopped'))
    const onFailure = await run(withPolicy('on-failure'))
    const ended = await run({ ...withPolicy('on-failure'), Cmd: ['true'] })
    const never = await run(withPolicy('no'))
    const created = await make(withPolicy('always'))
    const removed = await run({ HostConfig: { AutoRemove: true }, Volumes: { '/data': {} } })
    const volume = (await host.engine.containers.inspect(removed)).Mounts?.[0]?.Name ?? ''
    // one that stands on another comes after it
    const joined = await run({
      HostConfig: {
        NetworkMode: `container:${always}`,
        PidMode: `container:${unlessStopped}`,
        RestartPolicy: { Name: 'always' },
      },
    })
    await host.engine.containers.stop(stopped, { timeout: 0 })
    await host.engine.containers.stop(stoppedAlways, { timeout: 0 })
    await host.engine.containers.kill(killed)
    await until(killed, 'exited')
    await until(ended, 'exited')

    for (let boots = 1; boots <= 2; boots++) {
      await reboot()
      for (const id of [always, stoppedAlways, unlessStopped, onFailure, joined])
        await until(id, 'running')
      assert.deepEqual(await stateOf(stopped), { status: 'exited', code: 137 })
      assert.deepEqual(await stateOf(killed), { status: 'exited', code: 137 })
      assert.deepEqual(await stateOf(ended), { status: 'exited', code: 0 })
      // it ran when the power went: nobody knows how it ended
      assert.deepEqual(await stateOf(never), { status: 'exited', code: 255 })
      assert.deepEqual(await stateOf(created), { status: 'created', code: 0 })
      await assert.rejects(host.engine.containers.inspect(removed), { code: 'NOT_FOUND' })
      await assert.rejects(host.engine.volumes.inspect(volume), { code: 'NOT_FOUND' })
      // by hand for the second boot: it forgets that it was stopped
      if (boots === 1) await host.engine.containers.start(stopped)
      else assert.equal((await host.engine.containers.inspect(always)).RestartCount, 0)
      if (boots === 1) {
        await host.engine.containers.stop(stopped, { timeout: 0 })
        await host.engine.containers.start(killed)
        await host.engine.containers.kill(killed, 'SIGKILL')
        await until(killed, 'exited')
      }
    }
    for (const { Id = '' } of await host.engine.containers.list({ all: true }))
      await host.engine.containers.remove(Id, { force: true })
  })
})
