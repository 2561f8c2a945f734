import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cgroup } from '../../../../engine/cgroups/manager.ts'
import { findHierarchies } from '../../../../engine/cgroups/hierarchies.ts'
import { openCgroupsV2 } from '../../../../engine/cgroups/v2/manager.ts'
import { resourcesOf } from '../../../../engine/runtime/resources.ts'
import { patient } from '../../../helpers/patience.ts'

/** On a hybrid host this tree has no controllers; a host with v2 alone is tested with its limits too. */
const { unified, v1 } = findHierarchies()
const isPure = v1.length === 0
const cgroups = openCgroupsV2({ root: unified ?? '', parent: `gantry-test-${String(process.pid)}` })

describe(
  'a container cgroup of v2',
  { skip: unified === undefined && 'this host has no v2 hierarchy' },
  () => {
    afterEach(async () => {
      await cgroups.removeAll()
      assert.deepEqual(cgroups.list(), [])
    })

    function enter(cgroup: Cgroup, script: string): ChildProcess {
      const lines = cgroup.procs.map((file) => `echo $$ > ${file}`)
      return spawn('/bin/sh', ['-c', `${lines.join('\n')}\n${script}`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    }

    function read(cgroup: Cgroup, file: string): string {
      return fs.readFileSync(`${unified ?? ''}${cgroup.path}/${file}`, 'utf8').trim()
    }

    async function until(isSo: () => boolean): Promise<void> {
      for (let tries = 0; tries < patient(500); tries++) {
        if (isSo()) return
        await sleep(10)
      }
      assert.fail('it never came about')
    }

    test('freeze(), thaw() and kill() do as they say', async () => {
      const cgroup = cgroups.create('a', {})
      const child = enter(cgroup, 'sleep 1000 & while :; do echo x; sleep 0.005; done')
      const closed = once(child, 'close')
      let count = 0
      child.stdout?.on('data', () => count++)
      await until(() => count > 2)
      assert.ok(cgroup.pids().length >= 2)
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
      await cgroup.freeze()
      await cgroup.kill()
      assert.deepEqual(cgroup.pids(), [])
      await closed
    })

    test('kill() reaches processes in threaded cgroups below', async () => {
      const cgroup = cgroups.create('a', {})
      const child = enter(cgroup, 'echo in; sleep 1000')
      const closed = once(child, 'close')
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
      const below = `${unified ?? ''}${cgroup.path}/threads`
      fs.mkdirSync(below)
      fs.writeFileSync(`${below}/cgroup.type`, 'threaded')
      fs.writeFileSync(`${below}/cgroup.threads`, String(child.pid))
      assert.ok(cgroup.pids().includes(child.pid ?? 0))
      await cgroup.kill()
      await cgroup.remove()
      await closed
    })

    test('its device program decides what may be opened', async () => {
      const cgroup = cgroups.create('a', { devices: resourcesOf({}).devices ?? [] })
      const child = enter(
        cgroup,
        'd=$(mktemp -d); mknod $d/null c 1 3; mknod $d/kmsg c 1 11; (: < $d/null) && echo null; (: < $d/kmsg) && echo kmsg; rm -r $d; echo end',
      )
      let output = ''
      child.stdout?.on('data', (data: Buffer) => (output += data.toString()))
      await once(child, 'close')
      assert.equal(output, 'null\nend\n')
    })

    test(
      'its limits are the kernel’s',
      { skip: !isPure && 'controllers belong to v1 here' },
      () => {
        const cgroup = cgroups.create(
          'a',
          resourcesOf({
            Memory: 64 << 20,
            NanoCpus: 5e8,
            CpuShares: 512,
            CpusetCpus: '0',
            PidsLimit: 77,
          }),
        )
        assert.equal(read(cgroup, 'memory.max'), String(64 << 20))
        assert.equal(read(cgroup, 'cpu.max'), '50000 100000')
        assert.equal(read(cgroup, 'cpu.weight'), '59')
        assert.equal(read(cgroup, 'cpuset.cpus'), '0')
        assert.equal(read(cgroup, 'pids.max'), '77')
        cgroup.update(resourcesOf({ Memory: 32 << 20 }))
        assert.equal(read(cgroup, 'memory.max'), String(32 << 20))
      },
    )

    test(
      'it tells of a process killed for want of memory, and counts',
      { skip: !isPure && 'controllers belong to v1 here' },
      async () => {
        const cgroup = cgroups.create('a', resourcesOf({ Memory: 8 << 20, MemorySwap: 8 << 20 }))
        let times = 0
        const unwatch = cgroup.watchOom(() => times++)
        const child = enter(cgroup, 'exec tail /dev/zero')
        const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
        assert.equal(signal, 'SIGKILL')
        await until(() => times > 0)
        assert.equal(cgroup.oomKilled(), true)
        unwatch()
        const stats = cgroup.stats()
        assert.equal(stats.memory.limitBytes, 8 << 20)
        assert.ok(stats.cpu.totalNanos > 0)
      },
    )
  },
)
