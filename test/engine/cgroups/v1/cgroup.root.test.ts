import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cgroup, Cgroups } from '../../../../engine/cgroups/manager.ts'
import { openCgroups } from '../../../../engine/cgroups/manager.ts'
import { resourcesOf } from '../../../../engine/runtime/resources.ts'

const parent = `gantry-test-${String(process.pid)}`
const cgroups = openCgroups({ parent })
const skip = cgroups.version === 2 && 'this host has no v1 hierarchies'

describe('a container cgroup of v1', { skip }, () => {
  let opened: Cgroups

  before(() => {
    opened = cgroups
  })

  afterEach(async () => {
    await opened.removeAll()
  })

  after(() => {
    for (const root of ['memory', 'cpu', 'pids', 'unified']) {
      assert.equal(
        fs.existsSync(`/sys/fs/cgroup/${root}/${parent}`),
        false,
        `${root} is left behind`,
      )
    }
  })

  function read(cgroup: Cgroup, controller: string, file: string): string {
    return fs.readFileSync(`/sys/fs/cgroup/${controller}${cgroup.path}/${file}`, 'utf8').trim()
  }

  /** Runs a shell script inside. */
  function enter(cgroup: Cgroup, script: string): ChildProcess {
    const lines = cgroup.procs.map((file) => `echo $$ > ${file}`)
    return spawn('/bin/sh', ['-c', `${lines.join('\n')}\n${script}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  }

  async function until(isSo: () => boolean): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (isSo()) return
      await sleep(10)
    }
    assert.fail('it did not come about in 2 s')
  }

  test('create() writes every limit to the kernel', () => {
    const cgroup = opened.create('a', {
      ...resourcesOf({
        Memory: 64 << 20,
        MemoryReservation: 32 << 20,
        MemorySwappiness: 10,
        NanoCpus: 500_000_000,
        CpuShares: 512,
        CpusetCpus: '0',
        PidsLimit: 77,
        BlkioWeight: 200,
      }),
    })
    assert.equal(read(cgroup, 'memory', 'memory.limit_in_bytes'), String(64 << 20))
    assert.equal(read(cgroup, 'memory', 'memory.memsw.limit_in_bytes'), String(128 << 20))
    assert.equal(read(cgroup, 'memory', 'memory.soft_limit_in_bytes'), String(32 << 20))
    assert.equal(read(cgroup, 'memory', 'memory.swappiness'), '10')
    assert.equal(read(cgroup, 'cpu', 'cpu.cfs_quota_us'), '50000')
    assert.equal(read(cgroup, 'cpu', 'cpu.cfs_period_us'), '100000')
    assert.equal(read(cgroup, 'cpu', 'cpu.shares'), '512')
    assert.equal(read(cgroup, 'cpuset', 'cpuset.cpus'), '0')
    assert.equal(read(cgroup, 'pids', 'pids.max'), '77')
    assert.equal(read(cgroup, 'blkio', 'blkio.bfq.weight'), '200')
    assert.deepEqual(read(cgroup, 'devices', 'devices.list').split('\n').sort(), [
      'b *:* m',
      'c *:* m',
      'c 136:* rwm',
      'c 1:3 rwm',
      'c 1:5 rwm',
      'c 1:7 rwm',
      'c 1:8 rwm',
      'c 1:9 rwm',
      'c 5:0 rwm',
      'c 5:1 rwm',
      'c 5:2 rwm',
    ])
  })

  test('a parent that a killed engine had only just made still hands its CPUs down', () => {
    fs.mkdirSync(`/sys/fs/cgroup/cpuset/${parent}`)
    const cgroup = opened.create('a', resourcesOf({}))
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const above = fs.readFileSync(`/sys/fs/cgroup/cpuset/${file}`, 'utf8').trim()
      assert.equal(read(cgroup, 'cpuset', file), above)
    }
  })

  test('create() leaves nothing when a limit is refused, and starts anew over what a killed engine left', () => {
    assert.throws(
      () => opened.create('a', { cpu: { cpus: '9999' } }),
      /cpuset\.cpus: (EINVAL|ERANGE|ENODEV)/,
    )
    assert.deepEqual(opened.list(), [])
    opened.create('a', { pids: { limit: 5 } })
    const again = opened.create('a', {})
    assert.equal(read(again, 'pids', 'pids.max'), 'max')
  })

  test('update() moves memory up and down past the swap limit', () => {
    const cgroup = opened.create('a', resourcesOf({ Memory: 64 << 20 }))
    cgroup.update(resourcesOf({ Memory: 512 << 20 }))
    assert.equal(read(cgroup, 'memory', 'memory.limit_in_bytes'), String(512 << 20))
    cgroup.update(resourcesOf({ Memory: 32 << 20 }))
    assert.equal(read(cgroup, 'memory', 'memory.memsw.limit_in_bytes'), String(64 << 20))
    cgroup.update({ memory: { limit: 32 << 20, swap: -1 } })
    assert.throws(() => {
      cgroup.update({ memory: { swap: 6 << 20 } })
    }, /the kernel refuses/)
  })

  test('freeze() stops its processes and thaw() lets them go on', async () => {
    const cgroup = opened.create('a', {})
    const child = enter(cgroup, 'while :; do echo x; sleep 0.005; done')
    let count = 0
    child.stdout?.on('data', () => count++)
    await until(() => count > 2)
    await cgroup.freeze()
    let frozen = -1
    // what it printed before may still be on its way
    for (let tries = 0; frozen !== count; tries++) {
      assert.ok(tries < 50, 'it goes on printing')
      frozen = count
      await sleep(100)
    }
    await cgroup.thaw()
    await until(() => count > frozen)
    const closed = once(child, 'close')
    await cgroup.kill()
    await closed
  })

  test('kill() ends a fork bomb, frozen or not, and what is in cgroups below', async () => {
    // a shell that may not fork any more ends: there must be room for it to live until it is moved
    const cgroup = opened.create('a', { pids: { limit: 2000 } })
    const child = enter(cgroup, 'f() { while :; do sleep 0.01 & done; }; f & f & f')
    await until(() => cgroup.pids().length > 20)
    const below = `/sys/fs/cgroup/unified${cgroup.path}/below`
    if (fs.existsSync('/sys/fs/cgroup/unified')) {
      fs.mkdirSync(below)
      fs.writeFileSync(`${below}/cgroup.procs`, String(child.pid))
      assert.ok(cgroup.pids().includes(child.pid ?? 0))
    }
    await cgroup.freeze()
    await cgroup.kill()
    assert.deepEqual(cgroup.pids(), [])
    await cgroup.remove()
    assert.deepEqual(opened.list(), [])
  })

  test(
    'watchOom() and oomKilled() tell of a process killed for want of memory',
    { timeout: 20_000 },
    async () => {
      const cgroup = opened.create('a', resourcesOf({ Memory: 8 << 20, MemorySwap: 8 << 20 }))
      let times = 0
      const unwatch = cgroup.watchOom(() => times++)
      assert.equal(cgroup.oomKilled(), false)
      const child = enter(cgroup, 'exec tail /dev/zero')
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
      assert.equal(signal, 'SIGKILL')
      await until(() => times > 0)
      assert.equal(cgroup.oomKilled(), true)
      const before = times
      unwatch()
      await cgroup.remove()
      await sleep(20)
      assert.equal(times, before, 'the removal is no OOM')
    },
  )

  test('stats() counts CPU, memory and processes', async () => {
    const cgroup = opened.create('a', resourcesOf({ Memory: 64 << 20, PidsLimit: 10 }))
    const child = enter(
      cgroup,
      'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo done; sleep 100',
    )
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
    await until(() => cgroup.stats().pids.current === 2)
    const stats = cgroup.stats()
    assert.ok(stats.cpu.totalNanos > 10_000_000)
    assert.equal(stats.cpu.totalNanos, stats.cpu.userNanos + stats.cpu.systemNanos)
    assert.ok(stats.memory.usageBytes > 0)
    assert.equal(stats.memory.limitBytes, 64 << 20)
    assert.deepEqual(stats.pids, { current: 2, limit: 10 })
    assert.ok(stats.host.cpuNanos > 1e9 && stats.host.onlineCpus > 0)
    await cgroup.kill()
    await cgroup.remove()
    assert.throws(() => cgroup.stats(), { code: 'NOT_FOUND' })
  })

  test('device rules decide what may be opened', async () => {
    const cgroup = opened.create('a', resourcesOf({}))
    const child = enter(
      cgroup,
      'd=$(mktemp -d); mknod $d/null c 1 3; mknod $d/kmsg c 1 11; (: < $d/null) && echo null; (: < $d/kmsg) && echo kmsg; rm -r $d; echo end',
    )
    let output = ''
    child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
    await once(child, 'close')
    assert.equal(output, 'null\nend\n')
  })

  test('a cgroup that is gone is empty, not killed, and removed', async () => {
    const cgroup = opened.open('nobody')
    assert.deepEqual(cgroup.pids(), [])
    assert.equal(cgroup.oomKilled(), false)
    await cgroup.kill()
    await cgroup.remove()
    cgroup.watchOom(() => undefined)()
  })
})
