import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { openCgroups, type Cgroup } from '../../../engine/cgroups/manager.ts'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { loadContainers } from '../../../engine/containers/load.ts'
import { ContainerTable } from '../../../engine/containers/table.ts'
import { MNT_DETACH, mount, umount } from '../../../engine/native/mount.ts'
import {
  openTestEngine,
  removeContainers,
  runSleeping,
  type TestEngine,
} from '../../helpers/local-engine.ts'
import { shimPids } from '../../helpers/sweep-instance.ts'
import { inconsistencies } from './consistency.ts'

/** What an engine leaves that is killed between two steps, made by hand; the one that takes over is to finish it. */
describe('an engine killed in the middle of', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  afterEach(async () => {
    await removeContainers(host.engine)
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
    assert.deepEqual(host.warnings, [])
  })
  after(() => host.close())

  const run = (config?: ContainerCreateConfig): Promise<string> => runSleeping(host.engine, config)
  const dirOf = (id: string): string => path.join(host.instance.dataRoot, 'containers', id)
  const cgroupOf = (id: string): Cgroup =>
    openCgroups({ parent: host.instance.cgroupParent }).open(id)
  const inspect = async (id: string): ReturnType<typeof host.engine.containers.inspect> =>
    host.engine.containers.inspect(id)

  /** What the engine will find written of a container. */
  function change(id: string, file: 'state.json' | 'container.json', fields: object): void {
    const full = path.join(dirOf(id), file)
    const before = JSON.parse(fs.readFileSync(full, 'utf8')) as object
    fs.writeFileSync(full, JSON.stringify({ ...before, ...fields }))
  }

  async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`never came to hold: ${holds.toString()}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  test('a pause: the container runs, as its state says', async () => {
    const id = await run()
    await host.reopenAround(() => cgroupOf(id).freeze())
    assert.equal((await inspect(id)).State?.Status, 'running')
    const { Id } = await host.engine.execs.create(id, { Cmd: ['true'] })
    await host.engine.execs.start(Id, { Detach: true })
    await until(async () => (await host.engine.execs.inspect(Id)).ExitCode === 0)
  })

  test('the end of a pause: the container is paused, as its state says', async () => {
    const id = await run()
    await host.engine.containers.pause(id)
    await host.reopenAround(() => cgroupOf(id).thaw())
    assert.equal((await inspect(id)).State?.Status, 'paused')
    // frozen it is known by inconsistencies(), too
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
    await host.engine.containers.unpause(id)
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
  })

  test('an update: its limits hold, and are those that are told', async () => {
    const id = await run({ HostConfig: { Memory: 64 << 20, PidsLimit: 100 } })
    const { HostConfig = {} } = await inspect(id)
    const to = { ...HostConfig, Memory: 96 << 20, MemorySwap: 192 << 20, PidsLimit: 0 }
    await host.reopenAround(() => {
      change(id, 'state.json', { updatingTo: to })
      // half of it had come to the kernel
      cgroupOf(id).update({ memory: { limit: to.Memory, swap: to.MemorySwap } })
    })
    const after = await inspect(id)
    assert.equal(after.HostConfig?.Memory, to.Memory)
    const cgroup = cgroupOf(id)
    const { memory, pids } = cgroup.stats()
    cgroup.closeStats()
    assert.equal(memory.limitBytes, to.Memory)
    assert.equal(pids.limit ?? Infinity, Infinity)
    assert.equal(stateOf(id)['updatingTo'] ?? null, null)
  })

  test('an update of a container that has ended meanwhile: nobody is told that it was made', async () => {
    const id = await run({ HostConfig: { Memory: 64 << 20 } })
    const { HostConfig = {} } = await inspect(id)
    await host.reopenAround(async () => {
      change(id, 'state.json', { updatingTo: { ...HostConfig, Memory: 96 << 20 } })
      await cgroupOf(id).kill()
      // until its shim has written how it ended
      await until(() => shimPids(host.instance).length === 0)
    })
    const after = await inspect(id)
    assert.deepEqual([after.State?.Status, after.HostConfig?.Memory], ['exited', 64 << 20])
    assert.equal(stateOf(id)['updatingTo'] ?? null, null)
  })

  test('a change of its networks: its names are written as its state has them', async () => {
    const id = await run()
    const file = path.join(dirOf(id), 'hosts')
    const { ino } = fs.statSync(file)
    const content = fs.readFileSync(file, 'utf8')
    await host.reopenAround(() => {
      change(id, 'state.json', { filesBehind: ['hosts'] })
      fs.truncateSync(file, 7)
    })
    assert.equal(fs.readFileSync(file, 'utf8'), content)
    assert.equal(fs.statSync(file).ino, ino, 'it is mounted inside')
    // what the container writes there itself is its own
    await host.reopenAround(() => {
      fs.appendFileSync(file, '10.1.2.3 other\n')
    })
    assert.equal(fs.readFileSync(file, 'utf8'), `${content}10.1.2.3 other\n`)
  })

  test('a removal after a first start that failed: the container goes', async () => {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      HostConfig: { AutoRemove: true },
    })
    const { Id: kept } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sleep', '1000'],
      HostConfig: { AutoRemove: true },
    })
    await host.reopenAround(() => {
      change(Id, 'state.json', { error: 'no such file or directory', exitCode: 127 })
    })
    const ids = async (): Promise<(string | undefined)[]> =>
      (await host.engine.containers.list({ all: true })).map((each) => each.Id)
    await until(async () => !(await ids()).includes(Id))
    assert.deepEqual(await ids(), [kept])
  })

  test('a creation, and the next in the middle of clearing it away: its volumes go as well', async () => {
    const id = 'a'.repeat(64)
    const { Name = '' } = await host.engine.volumes.create({})
    await host.reopenAround(async () => {
      fs.mkdirSync(dirOf(id))
      fs.writeFileSync(path.join(dirOf(id), 'creating.json'), JSON.stringify({ volumes: [Name] }))
      // as far as an engine comes that is killed then
      const { cutShort } = await loadContainers({
        table: new ContainerTable(host.instance),
        warn: (message) => host.warnings.push(message),
      })
      assert.deepEqual(cutShort, [{ dir: dirOf(id), volumes: [Name] }])
    })
    await assert.rejects(host.engine.volumes.inspect(Name), { code: 'NOT_FOUND' })
    assert.equal(fs.existsSync(dirOf(id)), false)
  })

  test('anything, with something mounted where it ran: the engine starts, and says so', async () => {
    const id = 'b'.repeat(64)
    const mounted = path.join(host.instance.runRoot, 'c', id, 'mounted')
    await host.reopenAround(() => {
      fs.mkdirSync(mounted, { recursive: true })
      mount('tmpfs', mounted, 'tmpfs', 0, null)
    })
    assert.match(host.warnings.splice(0).join(), /runtime directory of container b+ could not/)
    umount(mounted, MNT_DETACH)
    await host.reopen()
    assert.equal(fs.existsSync(path.dirname(mounted)), false)
  })

  function stateOf(id: string): Record<string, unknown> {
    const text = fs.readFileSync(path.join(dirOf(id), 'state.json'), 'utf8')
    return JSON.parse(text) as Record<string, unknown>
  }
})
