import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { findHierarchies } from '../../../engine/cgroups/hierarchies.ts'
import type { HostConfig } from '../../../engine/types/docker.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { patient } from '../../helpers/patience.ts'

const { unified, v1 } = findHierarchies()
const isV2 = v1.length === 0
const roots = [...v1.map(({ root }) => root), ...(unified === undefined ? [] : [unified])]
const rootOf = (controller: string): string =>
  v1.find(({ controllers }) => controllers.includes(controller))?.root ?? unified ?? ''
/** Of those tests whose cgroups are beside the engine's own. */
const parent = `gantry-limits-${String(process.pid)}`
const MIB = 1 << 20

describe('limits of a container', () => {
  let host: TestEngine
  /** Of the root of a hybrid host's v2 tree, for the time of the tests. */
  let handedDown: string | undefined
  before(async () => {
    host = await openTestEngine()
  })
  afterEach(async () => {
    for (const { Id } of await host.engine.containers.list({ all: true }))
      await host.engine.containers.remove(Id ?? '', { force: true })
  })
  after(async () => {
    await host.close()
    if (handedDown !== undefined)
      fs.writeFileSync(`${unified ?? ''}/cgroup.subtree_control`, `-${handedDown}`)
    assert.deepEqual(existing(`${parent}-a`, `${parent}-b`, `${parent}-c`), [])
  })

  async function run(HostConfig: HostConfig, cmd = ['sleep', '1000']): Promise<string> {
    const config = {
      Image: 'busybox',
      Cmd: cmd,
      HostConfig: { NetworkMode: 'none', ...HostConfig },
    }
    const { Id } = await host.engine.containers.create(config)
    await host.engine.containers.start(Id)
    return Id
  }

  const own = (): string => `/${host.instance.cgroupParent}`
  const read = (controller: string, file: string): string =>
    fs.readFileSync(path.join(rootOf(controller), file), 'utf8').trim()
  const existing = (...names: string[]): string[] =>
    roots
      .flatMap((root) => names.map((name) => `${root}/${name}`))
      .filter((one) => fs.existsSync(one))

  async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
    for (let tries = 0; tries < patient(500); tries++) {
      if (await isSo()) return
      await sleep(20)
    }
    assert.fail('it never came about')
  }

  async function exec(
    id: string,
    ...Cmd: string[]
  ): Promise<{ code: number | null; output: string }> {
    const { engine } = host
    const { Id } = await engine.execs.create(id, { Cmd, AttachStdout: true, AttachStderr: true })
    const { stream } = await engine.execs.start(Id)
    let output = ''
    for await (const chunk of stream ?? []) output += (chunk as Buffer).subarray(8).toString()
    await until(async () => !(await engine.execs.inspect(Id)).Running)
    return { code: (await engine.execs.inspect(Id)).ExitCode, output }
  }

  test(
    'realtime shares are handed down to it, and refused beyond what the kernel has',
    {
      skip:
        !fs.existsSync(`${rootOf('cpu')}/cpu.rt_runtime_us`) && 'no realtime groups in this kernel',
    },
    async () => {
      const first = await run({ CpuRealtimePeriod: 1_000_000, CpuRealtimeRuntime: 10_000 })
      const second = await run({ CpuRealtimeRuntime: 20_000 })
      const share = (id: string) => read('cpu', `${own()}/${id}/cpu.rt_runtime_us`)
      assert.equal(share(first), '10000')
      assert.equal(share(second), '20000')
      assert.ok(Number(read('cpu', `${own()}/cpu.rt_runtime_us`)) >= 30_000)
      await host.engine.containers.update(first, { CpuRealtimeRuntime: 40_000 })
      assert.equal(share(first), '40000')
      await assert.rejects(run({ CpuRealtimeRuntime: 999_999 }), /the kernel refuses/)
      await assert.rejects(
        run({ CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 2000 }),
        /cpu real-time runtime cannot be higher than cpu real-time period/,
      )
    },
  )

  test(
    'realtime is refused in Docker’s words where there is none',
    { skip: !isV2 && 'v1 has it' },
    async () => {
      await assert.rejects(
        run({ CpuRealtimeRuntime: 1000 }),
        /kernel does not support CPU real-time scheduler/,
      )
    },
  )

  test('the weight of block I/O goes to the scheduler that has it', async (t) => {
    const id = await run({ BlkioWeight: 300 })
    const directory = `${rootOf(isV2 ? 'io' : 'blkio')}${own()}/${id}`
    const files = isV2 ? ['io.bfq.weight', 'io.weight'] : ['blkio.weight', 'blkio.bfq.weight']
    const file = files.find((name) => fs.existsSync(`${directory}/${name}`))
    if (file === undefined) {
      t.skip('no I/O scheduler with weights')
      return
    }
    const weight = (): string => fs.readFileSync(`${directory}/${file}`, 'utf8').trim()
    assert.match(weight(), file === 'io.weight' ? /^default 2930$/ : /^(default )?300$/)
    await host.engine.containers.update(id, { BlkioWeight: 500 })
    assert.match(weight(), file === 'io.weight' ? /^default 4950$/ : /^(default )?500$/)
  })

  test('a device has a weight of its own until an update takes it away', async (t) => {
    const device = bfqDevice()
    if (device === undefined) {
      t.skip('no loop device that BFQ would schedule')
      return
    }
    try {
      const id = await run({ BlkioWeightDevice: [{ Path: device.path, Weight: 400 }] })
      const directory = `${rootOf(isV2 ? 'io' : 'blkio')}${own()}/${id}`
      const file = isV2 ? 'io.bfq.weight' : 'blkio.bfq.weight_device'
      const lines = (): string => fs.readFileSync(`${directory}/${file}`, 'utf8')
      assert.ok(lines().includes(`${device.number} 400`), lines())
      await host.engine.containers.update(id, { BlkioWeightDevice: [] })
      assert.ok(!lines().includes(device.number), lines())
    } finally {
      device.close()
    }
  })

  test('an update sets and takes away throttles of devices', async (t) => {
    if (!fs.existsSync('/dev/loop0')) {
      t.skip('no loop device')
      return
    }
    const id = await run({ BlkioDeviceReadBps: [{ Path: '/dev/loop0', Rate: MIB }] })
    const file = isV2 ? 'io.max' : 'blkio.throttle.read_bps_device'
    const lines = () => read(isV2 ? 'io' : 'blkio', `${own()}/${id}/${file}`)
    assert.match(lines(), /^7:0 (rbps=)?1048576/)
    await host.engine.containers.update(id, {
      BlkioDeviceReadBps: [{ Path: '/dev/loop0', Rate: 2 * MIB }],
    })
    assert.match(lines(), /^7:0 (rbps=)?2097152/)
    await host.engine.containers.update(id, { BlkioDeviceReadBps: [] })
    assert.equal(lines(), '')
  })

  test('an update that the kernel refuses in part is taken back whole', async () => {
    const id = await run({ Memory: 64 * MIB, MemorySwap: 128 * MIB, PidsLimit: 50, CpuShares: 512 })
    const limits = (): string[] => [
      read('memory', `${own()}/${id}/${isV2 ? 'memory.max' : 'memory.limit_in_bytes'}`),
      read('pids', `${own()}/${id}/pids.max`),
      read('cpu', `${own()}/${id}/${isV2 ? 'cpu.weight' : 'cpu.shares'}`),
    ]
    const before = limits()
    // a directory in the document's place, so that it cannot be written when all limits are
    const document = `${host.instance.dataRoot}/containers/${id}/container.json`
    fs.renameSync(document, `${document}.kept`)
    fs.mkdirSync(`${document}/in-the-way`, { recursive: true })
    try {
      await assert.rejects(
        host.engine.containers.update(id, { Memory: 32 * MIB, PidsLimit: 7, CpuShares: 256 }),
      )
      assert.deepEqual(limits(), before)
      assert.equal((await host.engine.containers.inspect(id)).HostConfig?.PidsLimit, 50)
    } finally {
      fs.rmSync(document, { recursive: true })
      fs.renameSync(`${document}.kept`, document)
    }
    await host.engine.containers.update(id, { Memory: 32 * MIB, PidsLimit: 7, CpuShares: 256 })
    assert.equal(limits()[1], '7')
  })

  test('an update refuses by name what a container has for its life', async () => {
    const id = await run({ Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 100 }] })
    const { update } = host.engine.containers
    await assert.rejects(update(id, { Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1 }] }), {
      code: 'INVALID_PARAMETER',
      message: /^Ulimits of a container cannot be updated/,
    })
    await assert.rejects(update(id, { CgroupParent: '/x' }), /CgroupParent/)
    await assert.rejects(update(id, { Devices: [{ PathOnHost: '/dev/null' }] }), /Devices/)
    // a client that sends back what inspect told it
    await update(id, { Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 100 }], CpuShares: 100 })
  })

  test('a cgroup below another parent is found by the engine that comes after, alive or not', async () => {
    const alive = await run({ CgroupParent: `/${parent}-a/b`, Memory: 32 * MIB })
    const ended = await run({ CgroupParent: `/${parent}-b` })
    const { State } = await host.engine.containers.inspect(ended)
    await host.reopenAround(() => {
      process.kill(State?.Pid ?? 0, 'SIGKILL')
    })
    assert.equal((await exec(alive, 'echo', 'here')).output, 'here\n')
    for await (const sample of host.engine.containers.stats(alive, {
      stream: false,
      oneShot: true,
    }))
      assert.equal(sample.memory_stats?.limit, 32 * MIB)
    // its shim may tell of the end only once it has been joined
    await until(() => existing(`${parent}-b`).length === 0)
    await host.engine.containers.remove(alive, { force: true })
    assert.deepEqual(existing(`${parent}-a`), [])
  })

  test('a parent that is another’s stays, its CPUs are handed down, its limit holds', async () => {
    for (const root of roots) fs.mkdirSync(`${root}/${parent}-c`)
    try {
      if (!isV2) {
        fs.writeFileSync(`${rootOf('cpuset')}/${parent}-c/cpuset.cpus`, '0')
        fs.writeFileSync(`${rootOf('cpuset')}/${parent}-c/cpuset.mems`, '0')
      }
      const id = await run({ CgroupParent: `${parent}-c` })
      const set = isV2 ? 'cpuset.cpus.effective' : 'cpuset.effective_cpus'
      if (!isV2) assert.equal(read('cpuset', `${parent}-c/${id}/${set}`), '0')
      await host.engine.containers.remove(id, { force: true })
      assert.equal(existing(`${parent}-c`).length, roots.length)
    } finally {
      for (const root of roots) fs.rmdirSync(`${root}/${parent}-c`)
    }
  })

  test('a process killed for want of memory while no engine looked is told of', async () => {
    const id = await run({ Memory: 16 * MIB, MemorySwap: 16 * MIB }, [
      'sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; tail /dev/zero; touch /done; sleep 1000',
    ]) // prettier-ignore
    const { State } = await host.engine.containers.inspect(id)
    const root = `/proc/${String(State?.Pid)}/root`
    await host.reopenAround(async () => {
      fs.writeFileSync(`${root}/go`, '')
      await until(() => fs.existsSync(`${root}/done`))
    })
    assert.equal((await host.engine.containers.inspect(id)).State?.OOMKilled, true)
  })

  test('exec goes where the init is when its cgroup hands controllers down itself', async (t) => {
    if (unified === undefined) {
      t.skip('no v2 hierarchy')
      return
    }
    const free = controllerToHandDown(unified)
    if (free === undefined) {
      t.skip('no controller in the v2 hierarchy')
      return
    }
    const inside = isV2 ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${path.basename(unified)}`
    // the cgroup of the engine's own must have the controller first
    const first = await run({})
    if (!isV2) fs.writeFileSync(`${unified}${own()}/cgroup.subtree_control`, `+${free}`)
    const id = await run({ Privileged: true }, [
      'sh', '-c', `cd ${inside} && mkdir init && for p in $(cat cgroup.procs); do echo $p >init/cgroup.procs; done 2>/dev/null; echo +${free} >cgroup.subtree_control && touch /ready; sleep 1000`,
    ]) // prettier-ignore
    const { State } = await host.engine.containers.inspect(id)
    await until(() => fs.existsSync(`/proc/${String(State?.Pid)}/root/ready`))
    const { code, output } = await exec(id, 'cat', '/proc/self/cgroup')
    assert.equal(code, 0, output)
    assert.match(output, /^0::\/init$/m)
    await host.engine.containers.remove(id, { force: true })
    await host.engine.containers.remove(first, { force: true })
  })

  function controllerToHandDown(root: string): string | undefined {
    if (isV2) return 'memory'
    const [first = ''] = fs.readFileSync(`${root}/cgroup.controllers`, 'utf8').trim().split(' ')
    if (first === '') return undefined
    const file = `${root}/cgroup.subtree_control`
    if (!fs.readFileSync(file, 'utf8').includes(first)) {
      fs.writeFileSync(file, `+${first}`)
      handedDown = first
    }
    return first
  }

  /** A loop device over a file whose I/O BFQ schedules. */
  function bfqDevice(): { path: string; number: string; close: () => void } | undefined {
    const file = path.join(host.instance.runRoot, 'disk')
    fs.writeFileSync(file, '')
    fs.truncateSync(file, MIB)
    let device: string
    try {
      device = execFileSync('losetup', ['-f', '--show', file], { encoding: 'utf8' }).trim()
    } catch {
      return undefined
    }
    const close = (): void => {
      execFileSync('losetup', ['-d', device])
    }
    try {
      fs.writeFileSync(`/sys/block/${path.basename(device)}/queue/scheduler`, 'bfq')
    } catch {
      close()
      return undefined
    }
    const { rdev } = fs.statSync(device)
    return { path: device, number: `${String((rdev >> 8) & 0xfff)}:${String(rdev & 0xff)}`, close }
  }
})
