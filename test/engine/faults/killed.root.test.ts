import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
import { bundleEngine, NATIVE_BUILD } from '../../helpers/engine-bundle.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { leftOvers, shimPids, sweepInstance } from '../../helpers/sweep-instance.ts'
import { inconsistencies } from './consistency.ts'

/** Each takes a second or two; GANTRY_FAULT_RUNS=200 with a longer --test-timeout looks for what is rare. */
const RUNS = Number(process.env.GANTRY_FAULT_RUNS ?? 12)
const WORKERS = 3
const MOST_STEPS = 30
const STEPS = ['begin', 'commit', 'create', 'exec', 'pause', 'remove', 'rename', 'restart', 'start', 'stop', 'unpause'] // prettier-ignore

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

type Stepped = (name: string) => void

describe('an engine killed with -9 at any moment', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  let host: EngineProcess
  before(async () => {
    const program = await bundleEngine(path.join(root, 'program'))
    host = new EngineProcess(testInstance(root), { program, env: { GANTRY_NATIVE: NATIVE_BUILD } })
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
      'i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; sleep 0.01; done; sleep 1000',
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
    // its shim has said all there is to say, and that of the other goes on
    while (shimPids(host.instance).length > 1) await sleep(20)
    await host.start()

    const { State } = await host.engine.containers.inspect(ending)
    assert.equal(State?.Status, 'exited')
    assert.equal(State.ExitCode, 7)
    assert.equal((await host.engine.containers.inspect(printing)).State?.Status, 'running')

    const { stream: logs } = await host.engine.containers.logs(printing, {
      stdout: true,
      follow: true,
    })
    let text = ''
    for await (const chunk of logs as AsyncIterable<Buffer>)
      if ((text += chunk.toString()).includes('line 200\n')) break
    assert.deepEqual(
      text.match(/line \d+/g),
      Array.from({ length: 200 }, (_, i) => `line ${String(i + 1)}`),
    )
    assert.equal((await host.engine.execs.inspect(exec)).Running, true)

    const { exited } = await host.engine.containers.wait(printing)
    await host.engine.containers.stop(printing, { timeout: 0 })
    assert.equal((await exited).StatusCode, 137)
  })

  /** Lives of containers, one after the other, until the engine is gone. */
  async function live(engine: Engine, worker: number, stepped: Stepped): Promise<never> {
    const { containers, execs } = engine
    const step = async <T>(name: string, work: Promise<T>): Promise<T> => {
      const result = await work
      stepped(name)
      return result
    }
    for (let life = Math.floor(Math.random() * 12); ; life++) {
      const { Id } = await step(
        'create',
        containers.create(
          {
            Image: 'busybox',
            Cmd: ['sleep', '1000'],
            // the second is filled from the image
            Volumes: life % 2 === 0 ? { '/data': {} } : { '/bin': {} },
            ExposedPorts: { '80/tcp': {} },
            HostConfig: {
              PortBindings: { '80/tcp': [{ HostPort: '' }] },
              AutoRemove: life % 4 === 3,
              ...(life % 4 === 1 ? { RestartPolicy: { Name: 'always' } } : {}),
            },
          },
          { name: `box-${String(worker)}-${String(life)}-${String(Date.now())}` },
        ),
      )
      await step('start', containers.start(Id))
      const { Id: exec } = await execs.create(Id, { Cmd: ['true'] })
      await step('exec', execs.start(exec, { Detach: true }))
      if (life % 3 === 0) {
        await step('pause', containers.pause(Id))
        await step('unpause', containers.unpause(Id))
      }
      if (life % 3 === 1) await step('restart', containers.restart(Id, { timeout: 0 }))
      if (life % 3 === 2)
        await step('commit', containers.commit(Id, { repo: `made-${String(worker)}` }))
      await step('rename', containers.rename(Id, `renamed-${String(worker)}-${Id.slice(0, 12)}`))
      if (life % 2 === 0) {
        await step('stop', containers.stop(Id, { timeout: 0 }))
        // one that is removed after its end may be gone by now
        await step('remove', containers.remove(Id, { volumes: true }).catch(unless('NOT_FOUND')))
      } else await step('remove', containers.remove(Id, { volumes: true, force: true }))
    }
  }

  const timeout = 60_000 + RUNS * 15_000
  test(
    `${String(RUNS)} times: all is consistent, nothing leaks, nothing half-made is listed`,
    { timeout },
    async () => {
      const done = new Set<string>()
      for (let run = 0; run < RUNS; run++) {
        // counted in steps, for a machine may be slow; then a moment within one of them
        let left = Math.floor(Math.random() * MOST_STEPS)
        let work: Promise<unknown> = Promise.resolve()
        await new Promise<void>((resolve) => {
          const stepped = (name: string): void => {
            done.add(name)
            if (left-- === 0) resolve()
          }
          const lives = Array.from({ length: WORKERS }, (_, worker) =>
            live(host.engine, worker, stepped),
          )
          work = Promise.allSettled(lives)
          // a life ends only by a failure, and none is expected while the engine is there
          Promise.race(lives).catch(() => resolve())
          stepped('begin')
        })
        await sleep(Math.random() * 15)
        await host.kill()
        await work
        const engine = await host.start()
        assert.deepEqual(
          await inconsistencies(engine, host.instance),
          [],
          `after run ${String(run)}`,
        )
        if (run % 2 === 0) continue
        await engine.images.prune()
        for (const { Id = '' } of await engine.containers.list({ all: true })) {
          await engine.containers
            .remove(Id, { force: true, volumes: true })
            .catch(unless('NOT_FOUND', 'CONFLICT'))
        }
        assert.deepEqual(
          await inconsistencies(engine, host.instance),
          [],
          `after run ${String(run)}`,
        )
      }
      // by chance: of a few runs one or another may have none
      const missed = STEPS.filter((step) => !done.has(step))
      assert.ok(missed.length <= (RUNS < 100 ? 4 : 0), `never done: ${missed.join(', ')}`)
    },
  )

  test('what is removed leaves nothing on the host but what an engine has', async () => {
    for (const { Id = '' } of await host.engine.containers.list({ all: true }))
      await host.engine.containers.remove(Id, { force: true, volumes: true })
    assert.deepEqual(await inconsistencies(host.engine, host.instance), [])
    assert.deepEqual(
      leftOvers(host.instance).filter((what) => what.startsWith('process')),
      [],
    )
    const { Volumes } = await host.engine.volumes.list()
    assert.deepEqual(Volumes, [])
  })
})

/** Passes over failures of these kinds. */
function unless(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes((error as { code?: string }).code ?? '')) throw error
  }
}
