import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../../engine/contract.ts'
import { openLocalEngine } from '../../../engine/index.ts'
import { busyboxRootfsTar } from '../../helpers/busybox.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'
import { sweepInstance } from '../../helpers/sweep-instance.ts'
import { inconsistencies } from './consistency.ts'

/** What an operator is told: that there is no room, and where. */
const NO_ROOM = /no space left on device/i

describe('a data root that cannot be written', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const instance = testInstance(root)
  const ballast = path.join(instance.dataRoot, 'ballast')
  const warnings: string[] = []
  let engine: Engine

  before(async () => {
    fs.mkdirSync(instance.dataRoot)
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=711', 'tmpfs', instance.dataRoot]) // prettier-ignore
    assert.equal(status, 0, stderr.toString())
    engine = await open()
    await importBusybox(engine)
  })
  after(async () => {
    empty()
    for (const { Id = '' } of await engine.containers.list({ all: true }))
      await engine.containers.remove(Id, { force: true, volumes: true })
    await engine.close()
    await sweepInstance(instance)
    spawnSync('umount', ['-l', instance.dataRoot])
    fs.rmSync(root, { recursive: true, force: true })
  })

  const open = (): Promise<Engine> =>
    openLocalEngine(instance, { warn: (message) => warnings.push(message) })

  /** Not a byte more. */
  function fill(): void {
    const fd = fs.openSync(ballast, 'a')
    try {
      for (let size = 1 << 20; size >= 1; size >>= 1) {
        try {
          for (;;) fs.writeSync(fd, Buffer.alloc(size))
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
        }
      }
    } finally {
      fs.closeSync(fd)
    }
  }
  function empty(): void {
    fs.rmSync(ballast, { force: true })
  }

  async function create(script: string): Promise<string> {
    const { Id } = await engine.containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', script],
    })
    return Id
  }
  async function logOf(id: string): Promise<string> {
    const { stream } = await engine.containers.logs(id, { stdout: true })
    return (await demultiplex(stream)).stdout
  }
  const stateOf = async (id: string): Promise<string> =>
    (await engine.containers.inspect(id)).State?.Status ?? ''

  test('full: refuses what needs room by name, lets all else go on, and recovers', async () => {
    const running = await create('trap "exit 3" TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done') // prettier-ignore
    await engine.containers.start(running)
    const stopped = await create('sleep 1000')
    const ending = await create('sleep 1; exit 5')
    await engine.containers.start(ending)
    const { exited } = await engine.containers.wait(ending)
    const before = (await engine.containers.list({ all: true })).length
    // then it has its trap
    while (!(await logOf(running)).includes('line 1\n')) await sleep(10)
    fill()

    const named = { message: NO_ROOM, code: 'SYSTEM' }
    await assert.rejects(create('true'), named)
    await assert.rejects(engine.containers.start(stopped), named)
    await assert.rejects(engine.volumes.create({ Name: 'roomless' }), named)
    await assert.rejects(engine.networks.create({ Name: 'roomless' }), named)
    await assert.rejects(engine.containers.rename(stopped, 'roomless'), named)
    await assert.rejects(load(), named)

    // nothing half-made is listed or left
    assert.equal((await engine.containers.list({ all: true })).length, before)
    assert.deepEqual((await engine.volumes.list()).Volumes, [])
    assert.equal((await engine.networks.list({ name: ['roomless'] })).length, 0)
    assert.equal(await stateOf(stopped), 'created')
    assert.match((await engine.containers.inspect(stopped)).State?.Error ?? '', NO_ROOM)

    // what ends has ended, with its exit code
    assert.equal((await exited).StatusCode, 5)
    assert.equal(await stateOf(ending), 'exited')
    // what runs is entered, looked at and stopped; its output is lost, not its life
    const { Id: exec } = await engine.execs.create(running, { Cmd: ['true'] })
    await engine.execs.start(exec, { Detach: true })
    assert.equal(await stateOf(running), 'running')
    await engine.containers.pause(running)
    await engine.containers.unpause(running)
    await engine.containers.stop(running, { timeout: 5 })
    assert.equal((await engine.containers.inspect(running)).State?.ExitCode, 3)
    // and what is removed gives room
    await engine.containers.remove(ending)

    // an engine that starts now finds its way
    await engine.close()
    engine = await open()
    assert.equal((await engine.containers.list({ all: true })).length, before - 1)

    empty()
    await engine.containers.start(stopped)
    assert.equal(await stateOf(stopped), 'running')
    const firsts = async (): Promise<number> =>
      (await logOf(running)).split('\n').filter((line) => line === 'line 1').length
    const lives = await firsts()
    await engine.containers.start(running)
    while ((await firsts()) === lives) await sleep(10)
    await engine.containers.stop(running)
    assert.match(await logOf(running), /^line \d+\n$/m)
    await load()
    assert.deepEqual(await inconsistencies(engine, instance), [])
  })

  test('read-only: an engine does not start on it, and says why', async () => {
    for (const { Id = '' } of await engine.containers.list({ all: true }))
      await engine.containers.remove(Id, { force: true })
    await engine.close()
    const remount = (mode: string): void => {
      const { stderr, status } = spawnSync('mount', ['-o', `remount,${mode}`, instance.dataRoot])
      assert.equal(status, 0, stderr.toString())
    }
    remount('ro')
    try {
      await assert.rejects(open(), {
        message: /\/data\S*: read-only file system: \S+\/data cannot be written/,
      })
    } finally {
      remount('rw')
      engine = await open()
    }
    const id = await create('exit 4')
    const { exited } = await engine.containers.wait(id, 'next-exit')
    await engine.containers.start(id)
    assert.equal((await exited).StatusCode, 4)
  })

  /** Another image of some megabytes. */
  async function load(): Promise<void> {
    const tar = Buffer.concat([busyboxRootfsTar()])
    for await (const _line of engine.images.import(Readable.from([tar]), {
      reference: 'roomless:1',
    })) {
      // only the failure counts
    }
  }
})
