import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { EngineProcess } from '../../helpers/engine-process.ts'
import {
  importBusybox,
  openTestEngine,
  testInstance,
  type TestEngine,
} from '../../helpers/local-engine.ts'
import { sweepInstance } from '../../helpers/sweep-instance.ts'
import { inconsistencies } from './consistency.ts'

describe('an engine that may open no more files', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  before(async () => {
    await importBusybox(await host.start())
  })
  after(async () => {
    await host.kill('SIGTERM')
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  const limit = (files: number): void => {
    execFileSync('prlimit', ['--pid', String(host.pid), `--nofile=${String(files)}:`])
  }

  async function start(): Promise<string> {
    const { Id } = await host.engine.containers.create({ Image: 'busybox', Cmd: ['sleep', '1000'] })
    await host.engine.containers.start(Id)
    return Id
  }

  test('says so, keeps what runs, and goes on when some are closed', async () => {
    const first = await start()
    const open = fs.readdirSync(`/proc/${String(host.pid)}/fd`).length
    // descriptors are given lowest first: room for a request, and for a few containers' watches
    let room = 12
    limit(open + room)
    /** Asks again when not even the request could be taken in: with room for that, and for nothing else. */
    const heard = async <T>(ask: () => Promise<T>): Promise<T> => {
      for (;;) {
        try {
          return await ask()
        } catch (error) {
          if (!/socket hang up|ECONNRESET|EPIPE/.test(String(error)) || room > 24) throw error
          limit(open + ++room)
        }
      }
    }
    const { containers } = host.engine
    const made: string[] = []
    await assert.rejects(
      async () => {
        for (;;) made.push(await heard(start))
      },
      { message: /too many open files: raise the limit of the engine/ },
    )
    assert.equal((await heard(() => containers.inspect(first))).State?.Status, 'running')
    for (const { Id = '', State } of await heard(() => containers.list({ all: true })))
      if (State !== 'running') await heard(() => containers.remove(Id))
    for (const id of made) await heard(() => containers.remove(id, { force: true }))
    await start()
    limit(1024)
    await start()
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
  })
})

describe('an engine in whose process no descriptor is left', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  test('settles the end of a container all the same, and starts it again when there are some', async () => {
    const { containers } = host.engine
    const { Id } = await containers.create({ Image: 'busybox', Cmd: ['sleep', '1000'] })
    await containers.start(Id)
    const { exited } = await containers.wait(Id)
    const { State } = await containers.inspect(Id)
    await withoutDescriptors(async () => {
      process.kill(State?.Pid ?? 0, 'SIGKILL')
      assert.equal((await exited).StatusCode, 137)
      assert.equal((await containers.inspect(Id)).State?.Status, 'exited')
    })
    await containers.start(Id)
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
  })

  test('outlives that the kernel tells of a want of memory, and knows of it in the end', async () => {
    const { containers } = host.engine
    const { Id } = await containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', 'trap "tail /dev/zero" USR1; while :; do sleep 0.02; done'],
      HostConfig: { Memory: 32 << 20, MemorySwap: 32 << 20 },
    })
    await containers.start(Id)
    const { State } = await containers.inspect(Id)
    const status = `/proc/${String(State?.Pid)}/status`
    const catches = (): boolean => {
      const mask = /^SigCgt:\s+(\w+)/m.exec(fs.readFileSync(status, 'utf8'))?.[1] ?? ''
      return (Number.parseInt(mask.slice(-4), 16) & (1 << (SIGUSR1 - 1))) !== 0
    }
    while (!catches()) await sleep(10)
    const { cgroupParent } = host.instance
    const [file = ''] = [
      `/sys/fs/cgroup/memory/${cgroupParent}/${Id}/memory.oom_control`,
      `/sys/fs/cgroup/${cgroupParent}/${Id}/memory.events`,
    ].filter((each) => fs.existsSync(each))
    const kills = fs.openSync(file, 'r')
    try {
      await withoutDescriptors(async () => {
        process.kill(State?.Pid ?? 0, 'SIGUSR1')
        const text = Buffer.alloc(4096)
        const isKilled = (): boolean =>
          /oom_kill [1-9]/.test(text.toString('latin1', 0, fs.readSync(kills, text, 0, 4096, 0)))
        while (!isKilled()) await sleep(10)
        // what the kernel has told before is heard within these turns
        for (let turns = 0; turns < 10; turns++) await nextTurn()
      })
    } finally {
      fs.closeSync(kills)
    }
    assert.equal((await containers.inspect(Id)).State?.Status, 'running')
    await containers.stop(Id, { timeout: 0 })
    assert.equal((await containers.inspect(Id)).State?.OOMKilled, true)
    await containers.remove(Id)
  })
})

const { SIGUSR1 } = os.constants.signals

/** Takes all there are of this process for a while. */
async function withoutDescriptors(work: () => Promise<void>): Promise<void> {
  const limits = fs.readFileSync('/proc/self/limits', 'utf8')
  const before = /^Max open files +(\d+)/m.exec(limits)?.[1] ?? ''
  const limit = (files: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${files}:`])
  }
  limit(String(fs.readdirSync('/proc/self/fd').length + 20))
  const taken: number[] = []
  try {
    assert.throws(
      () => {
        for (;;) taken.push(fs.openSync('/dev/null', 'r'))
      },
      { code: 'EMFILE' },
    )
    await work()
  } finally {
    for (const fd of taken) fs.closeSync(fd)
    limit(before)
  }
}
