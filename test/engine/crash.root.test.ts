import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { EngineProcess } from '../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../helpers/local-engine.ts'
import { demultiplex } from '../helpers/raw-stream.ts'
import { leftOvers, sweepInstance } from '../helpers/sweep-instance.ts'

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('an engine killed with -9', () => {
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

  async function run(script: string): Promise<string> {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', script],
    })
    await host.engine.containers.start(Id)
    return Id
  }

  test('loses no line and no exit code, and its containers can be entered again', async () => {
    const printing = await run(
      'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; sleep 0.01; done; sleep 1000',
    )
    const ending = await run('sleep 1; exit 7')
    const { Id: exec } = await host.engine.execs.create(printing, {
      Cmd: ['sh'],
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
    })
    const { stream } = await host.engine.execs.start(exec, { Tty: true })
    stream?.on('error', () => undefined)
    stream?.write('echo before-$((40+2))\n')
    await sleep(500)
    await host.kill()
    await sleep(1500)
    await host.start()

    const { State } = await host.engine.containers.inspect(ending)
    assert.equal(State?.Status, 'exited')
    assert.equal(State.ExitCode, 7)
    assert.equal((await host.engine.containers.inspect(printing)).State?.Status, 'running')

    await sleep(4000)
    const { stream: logs } = await host.engine.containers.logs(printing, {
      stdout: true,
      stderr: true,
    })
    const lines = (await demultiplex(logs)).stdout.trim().split('\n')
    assert.deepEqual(
      lines,
      Array.from({ length: 400 }, (_, i) => `line ${String(i + 1)}`),
    )
    assert.equal((await host.engine.execs.inspect(exec)).Running, true)

    const { exited } = await host.engine.containers.wait(printing)
    await host.engine.containers.stop(printing, { timeout: 0 })
    assert.equal((await exited).StatusCode, 137)
  })

  test('at random moments of create, start, stop and remove leaves a consistent list and nothing behind', async () => {
    for (let round = 0; round < 8; round++) {
      const work = (async () => {
        for (;;) {
          const id = await run('sleep 1000')
          await host.engine.containers.stop(id, { timeout: 0 })
          await host.engine.containers.remove(id)
        }
      })()
      work.catch(() => undefined)
      await sleep(20 + Math.random() * 300)
      await host.kill()
      await host.start()
      for (const { Id = '', State } of await host.engine.containers.list({ all: true })) {
        assert.ok(
          State === 'created' || State === 'running' || State === 'exited',
          `${Id} is ${String(State)}`,
        )
        await host.engine.containers.remove(Id, { force: true })
      }
    }
    assert.deepEqual(await host.engine.containers.list({ all: true }), [])
    assert.deepEqual(
      leftOvers(host.instance).filter((what) => what.startsWith('process')),
      [],
    )
    assert.deepEqual(fs.readdirSync(path.join(host.instance.dataRoot, 'containers')), [])
    assert.deepEqual(fs.readdirSync(path.join(host.instance.runRoot, 'c')), [])
  })
})
