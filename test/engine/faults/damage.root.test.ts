import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, afterEach, before, describe, test } from 'node:test'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import {
  openTestEngine,
  removeContainers,
  runSleeping,
  type TestEngine,
} from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'
import { soFar } from '../../helpers/so-far.ts'
import { shimPids } from '../../helpers/sweep-instance.ts'
import { tarOf } from '../images/archives.ts'
import { inconsistencies } from './consistency.ts'

describe('what an engine needs is taken away under it', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  afterEach(async () => {
    await removeContainers(host.engine)
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
    host.warnings.length = 0
  })
  after(() => host.close())

  const run = (config?: ContainerCreateConfig): Promise<string> => runSleeping(host.engine, config)
  const inspect = async (
    id: string,
  ): Promise<{ status: string; code: number; pid: number; error: string; restarts: number }> => {
    const { RestartCount = 0, State } = await host.engine.containers.inspect(id)
    return {
      status: State?.Status ?? '',
      code: State?.ExitCode ?? -1,
      pid: State?.Pid ?? 0,
      error: State?.Error ?? '',
      restarts: RestartCount,
    }
  }
  async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
    const deadline = Date.now() + 15_000
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`never came to hold: ${holds.toString()}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const shimOf = (id: string): number => {
    const shim = shimPids(host.instance).find((pid) =>
      fs.readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(id),
    )
    return shim ?? Number(fs.readFileSync(`/proc/${String(pidOf(id))}/stat`, 'utf8').split(' ')[3])
  }
  const pids = new Map<string, number>()
  const pidOf = (id: string): number => pids.get(id) ?? 0

  test('a shim that is killed: its container ends with 255 and its log stays', async () => {
    const id = await run({ Cmd: ['sh', '-c', 'echo said; sleep 1000'] })
    await until(async () => (await logOf(id)) === 'said\n')
    const { pid } = await inspect(id)
    pids.set(id, pid)
    const since = Date.now() / 1000
    process.kill(shimOf(id), 'SIGKILL')
    await until(async () => (await inspect(id)).status === 'exited')
    const { code, error } = await inspect(id)
    assert.equal(code, 255)
    assert.match(error, /supervised/)
    assert.equal(isAlive(pid), false, 'its process is gone')
    assert.equal(await logOf(id), 'said\n')
    const actions: string[] = []
    const options = { since, until: soFar(), filters: { container: [id] } }
    for await (const { Action = '', Actor } of host.engine.system.events(options))
      actions.push(`${Action} ${Actor?.Attributes?.exitCode ?? ''}`)
    assert.deepEqual(actions, ['die 255'])
  })

  test('a shim that is killed: the restart policy has its say', async () => {
    const id = await run({ HostConfig: { RestartPolicy: { Name: 'on-failure' } } })
    pids.set(id, (await inspect(id)).pid)
    process.kill(shimOf(id), 'SIGKILL')
    await until(async () => {
      const { restarts, status } = await inspect(id)
      return status === 'running' && restarts === 1
    })
  })

  test("a layer's directory: start names layer and image and what to do; others go on", async () => {
    const image = 'layerless:1'
    // a layer of its own
    const tar = Readable.from([tarOf({ only: 'here' })])
    const known = fs.readdirSync(path.join(host.instance.dataRoot, 'layers'))
    for await (const _line of host.engine.images.import(tar, { reference: image })) {
      // made
    }
    const { Id } = await host.engine.containers.create({ Image: image, Cmd: ['sleep', '1'] })
    const [layer = ''] = fs
      .readdirSync(path.join(host.instance.dataRoot, 'layers'))
      .filter((name) => !known.includes(name))
    assert.notEqual(layer, '')
    fs.rmSync(path.join(host.instance.dataRoot, 'layers', layer), { recursive: true })

    await assert.rejects(host.engine.containers.start(Id), {
      message:
        /layer .*sha256:.* of image sha256:[0-9a-f]{64} is missing on disk: .*pull the image again/,
    })
    await assert.rejects(host.engine.containers.create({ Image: image, Cmd: ['true'] }), {
      message: /is missing on disk: start the engine again and pull the image again/,
    })
    assert.equal((await host.engine.containers.list({ all: true })).length, 1)
    assert.equal((await inspect(await run())).status, 'running')
    await host.engine.containers.remove(Id)
    await host.engine.images.remove(image)
  })

  test('the runtime directory of a container: it is stopped and removed all the same', async () => {
    const id = await run()
    fs.rmSync(path.join(host.instance.runRoot, 'c', id), { recursive: true })
    assert.equal((await inspect(id)).status, 'running')
    const { Id: exec } = await host.engine.execs.create(id, { Cmd: ['true'] })
    await assert.rejects(host.engine.execs.start(exec, { Detach: true }), {
      message: new RegExp(`runtime directory .*${id}.* restart the container`),
    })
    await host.engine.containers.stop(id, { timeout: 0 })
    assert.equal((await inspect(id)).status, 'exited')
    await host.engine.containers.start(id)
    assert.equal((await inspect(id)).status, 'running')
  })

  test('a removal that fails leaves a dead container, which can be removed again and nothing else', async () => {
    const { Id } = await host.engine.containers.create({ Image: 'busybox' }, { name: 'stuck' })
    const busy = path.join(host.instance.dataRoot, 'containers', Id, 'busy')
    fs.mkdirSync(busy)
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', busy])
    const { containers } = host.engine
    const busyWords = { message: /cannot remove container "stuck": .*(EBUSY|busy)/ }
    await assert.rejects(containers.remove(Id), busyWords)
    const { status, error } = await inspect(Id)
    assert.equal(status, 'dead')
    assert.match(error, /EBUSY|busy/)
    assert.deepEqual(
      (await containers.list({ all: true })).map(({ State, Status }) => [State, Status]),
      [['dead', 'Dead']],
    )
    await assert.rejects(containers.start(Id), {
      code: 'CONFLICT',
      message: 'container is marked for removal and cannot be started',
    })
    await assert.rejects(containers.stop(Id), { code: 'NOT_MODIFIED' })
    await assert.rejects(containers.kill(Id), { code: 'CONFLICT', message: /is not running/ })
    await assert.rejects(containers.pause(Id), { code: 'CONFLICT', message: /is not running/ })
    await assert.rejects(containers.update(Id, { CpuShares: 2 }), { code: 'CONFLICT' })
    await assert.rejects(containers.rename(Id, 'other'), { code: 'CONFLICT' })
    await assert.rejects(host.engine.execs.create(Id, { Cmd: ['true'] }), { code: 'CONFLICT' })
    assert.equal((await (await containers.wait(Id)).exited).StatusCode, 0)
    await assert.rejects(containers.remove(Id, { force: true }), busyWords)
    execFileSync('umount', [busy])
    const { exited } = await containers.wait(Id, 'removed')
    await containers.remove(Id)
    assert.equal((await exited).StatusCode, 0)
    await containers.create({ Image: 'busybox' }, { name: 'stuck' })
  })

  test('documents: what cannot be read is set aside and reported, and comes back when mended', async () => {
    const [torn, stateless, well] = [await run(), await run(), await run()] as const
    await host.engine.containers.stop(torn, { timeout: 0 })
    await host.engine.containers.kill(stateless)
    await until(async () => (await inspect(stateless)).status === 'exited')
    const file = (id: string, name: string): string =>
      path.join(host.instance.dataRoot, 'containers', id, name)
    const document = fs.readFileSync(file(torn, 'container.json'))
    fs.writeFileSync(file(torn, 'container.json'), document.subarray(0, 100))
    fs.writeFileSync(file(stateless, 'state.json'), '')
    fs.mkdirSync(path.join(host.instance.dataRoot, 'containers', 'lost+found'))

    await host.reopen()
    const listed = (await host.engine.containers.list({ all: true })).map(({ Id }) => Id).sort()
    assert.deepEqual(listed, [stateless, well].sort())
    assert.equal((await inspect(well)).status, 'running')
    assert.deepEqual(await inspect(stateless), {
      status: 'exited',
      code: 255,
      pid: 0,
      error: '',
      restarts: 0,
    })
    assert.ok(
      host.warnings.some((words) => words.includes(torn) && words.includes('set aside')),
      host.warnings.join('\n'),
    )
    // its files are still there to be mended
    assert.ok(fs.existsSync(path.join(host.instance.dataRoot, 'snapshots', torn, 'fs')))
    fs.writeFileSync(file(torn, 'container.json'), document)
    await host.reopen()
    await host.engine.containers.start(torn)
    assert.equal((await inspect(torn)).status, 'running')
    fs.rmdirSync(path.join(host.instance.dataRoot, 'containers', 'lost+found'))
  })

  test('the document of one that runs: its processes are left alone, and found again when it is mended', async () => {
    const id = await run()
    const { pid } = await inspect(id)
    const file = path.join(host.instance.dataRoot, 'containers', id, 'container.json')
    const document = fs.readFileSync(file)
    fs.writeFileSync(file, document.subarray(0, 100))
    await host.reopen()
    assert.deepEqual(await host.engine.containers.list({ all: true }), [])
    assert.equal(isAlive(pid), true)
    fs.writeFileSync(file, document)
    await host.reopen()
    const { pid: again, status } = await inspect(id)
    assert.deepEqual([status, again], ['running', pid])
  })

  test('documents of networks, volumes and image names: the engine starts without them and says so', async () => {
    const { Id: network } = await host.engine.networks.create({ Name: 'torn' })
    await host.engine.volumes.create({ Name: 'torn' })
    const id = await run()
    const references = path.join(host.instance.dataRoot, 'images', 'references.json')
    const files = [
      references,
      path.join(host.instance.dataRoot, 'networks', `${network}.json`),
      path.join(host.instance.dataRoot, 'volumes', 'torn', 'volume.json'),
      path.join(host.instance.dataRoot, 'snapshots', id, 'snapshot.json'),
    ]
    const contents = files.map((file) => fs.readFileSync(file))
    for (const file of files) fs.truncateSync(file, 10)
    await host.reopen()
    for (const file of files) {
      assert.ok(
        host.warnings.some((words) => words.includes(file)),
        `${file} in ${host.warnings.join('\n')}`,
      )
      // the next name given would write over the names
      const kept = file === references ? `${file}.damaged` : file
      assert.equal(fs.statSync(kept).size, 10, `${kept} is left as it was`)
    }
    assert.equal((await inspect(id)).status, 'running')
    files.forEach((file, index) => fs.writeFileSync(file, contents[index] ?? ''))
    await host.reopen()
    await host.engine.networks.remove('torn')
    await host.engine.volumes.remove('torn')
    assert.equal((await inspect(await run())).status, 'running')
  })

  test('the file of a network namespace: the container lives on, and can be stopped and started', async () => {
    const id = await run()
    const { NetworkSettings } = await host.engine.containers.inspect(id)
    const netns = NetworkSettings?.SandboxKey ?? ''
    execFileSync('umount', [netns])
    fs.rmSync(netns)
    await host.reopen()
    assert.equal((await inspect(id)).status, 'running')
    await host.engine.containers.restart(id, { timeout: 0 })
    const { NetworkSettings: after } = await host.engine.containers.inspect(id)
    assert.ok(fs.existsSync(after?.SandboxKey ?? ''))
  })

  test('its cgroups: it is looked at, stopped and removed all the same', async () => {
    const id = await run()
    const { pid } = await inspect(id)
    for (const dir of cgroupsOf(host, id)) {
      fs.writeFileSync(path.join(dir, '../../cgroup.procs'), String(pid))
      fs.rmdirSync(dir)
    }
    assert.equal((await inspect(id)).status, 'running')
    await host.engine.containers.list()
    await assert.rejects(host.engine.containers.pause(id), { message: /cgroup.*(gone|no such)/i })
    await host.engine.containers.stop(id, { timeout: 0 })
    assert.equal((await inspect(id)).status, 'exited')
    assert.equal(isAlive(pid), false)
    await host.engine.containers.start(id)
    assert.equal((await inspect(id)).status, 'running')
  })

  async function logOf(id: string): Promise<string> {
    const { stream } = await host.engine.containers.logs(id, { stdout: true })
    return (await demultiplex(stream)).stdout
  }
})

function cgroupsOf({ instance }: TestEngine, id: string): string[] {
  const found = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*/${instance.cgroupParent}/${id}`], { encoding: 'utf8' }) // prettier-ignore
  return found.stdout.split('\n').filter((line) => line !== '')
}

/** Whoever inherits a process may take a while to look after it. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8'))
  } catch {
    // it has gone
    return false
  }
}
