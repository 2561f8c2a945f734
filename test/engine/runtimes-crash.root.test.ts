import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { installedRuntimes } from '../../engine/runtime/oci-runtimes.ts'
import { EngineProcess } from '../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../helpers/local-engine.ts'
import { demultiplex } from '../helpers/raw-stream.ts'
import { leftOvers, shimPids, sweepInstance } from '../helpers/sweep-instance.ts'

const installed = new Map(installedRuntimes({}).map(({ name, path: file }) => [name, file]))

/** As with containers of our own, see crash.root.test.ts, but for what the other runtime keeps and starts by itself. */
for (const runtime of ['runc', 'crun']) {
  const skip = installed.has(runtime) ? false : `${runtime} is not installed`
  describe(`a crash with containers of ${runtime}`, { skip }, () => {
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
        HostConfig: { Runtime: runtime },
      })
      await host.engine.containers.start(Id)
      return Id
    }

    const pidOf = async (id: string): Promise<number> =>
      (await host.engine.containers.inspect(id)).State?.Pid ?? 0
    const runDir = (id: string): string => path.join(host.instance.runRoot, 'c', id)

    test('of the engine loses no line, no exit code and no exec', async () => {
      const printing = await run(
        'i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; sleep 0.01; done; sleep 1000',
      )
      const ending = await run('sleep 1; exit 7')
      const pid = await pidOf(printing)
      const { Id: exec } = await host.engine.execs.create(printing, {
        Cmd: ['sh'],
        Tty: true,
        AttachStdin: true,
        AttachStdout: true,
      })
      const { stream } = await host.engine.execs.start(exec, { Tty: true })
      stream?.on('error', () => undefined)
      await host.kill()
      await until(() => !fs.existsSync(path.join(runDir(ending), 's')))
      await host.start()

      const { State } = await host.engine.containers.inspect(ending)
      assert.deepEqual([State?.Status, State?.ExitCode], ['exited', 7])
      assert.equal(fs.existsSync(runDir(ending)), false)
      assert.equal(await pidOf(printing), pid)
      assert.equal((await host.engine.execs.inspect(exec)).Running, true)
      const { Id: more } = await host.engine.execs.create(printing, {
        Cmd: ['sh', '-c', 'echo in; exit 3'],
        AttachStdout: true,
      })
      const { stream: output } = await host.engine.execs.start(more)
      assert.equal(output && (await demultiplex(output)).stdout, 'in\n')
      assert.equal((await host.engine.execs.inspect(more)).ExitCode, 3)

      let lines: string[]
      do {
        const { stream: logs } = await host.engine.containers.logs(printing, { stdout: true })
        lines = (await demultiplex(logs)).stdout.trim().split('\n')
      } while (lines.length < 100)
      assert.deepEqual(
        lines,
        Array.from({ length: 100 }, (_, i) => `line ${String(i + 1)}`),
      )
      await host.engine.containers.remove(printing, { force: true })
      await host.engine.containers.remove(ending)
    })

    test('of a shim ends its container, by the engine or by the next one', async () => {
      for (const engineToo of [false, true]) {
        const id = await run('sleep 1000')
        const pid = await pidOf(id)
        if (engineToo) await host.kill()
        for (const shim of shimPids(host.instance)) tryKill(shim)
        if (engineToo) await host.start()
        await (
          await host.engine.containers.wait(id)
        ).exited
        await until(() => !fs.existsSync(runDir(id)))
        const { State } = await host.engine.containers.inspect(id)
        assert.deepEqual([State?.Status, State?.ExitCode], ['exited', 255])
        assert.match(stateOf(pid), /^[ZX]?$/)
        // it can be started again: the runtime has let go of the name
        await host.engine.containers.start(id)
        await host.engine.containers.remove(id, { force: true })
      }
    })

    test('at random moments leaves nothing behind', async () => {
      for (let round = 0; round < 3; round++) {
        const work = (async () => {
          for (;;) {
            const id = await run('sleep 1000')
            await host.engine.containers.stop(id, { timeout: 0 })
            await host.engine.containers.remove(id)
          }
        })()
        work.catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 400))
        // half of the time the shims as well, in the middle of whatever the runtime is doing
        const shims = round % 2 === 0 ? shimPids(host.instance) : []
        await host.kill()
        for (const shim of shims) tryKill(shim)
        await host.start()
        for (const { Id = '', State } of await host.engine.containers.list({ all: true })) {
          assert.ok(
            ['created', 'running', 'exited'].includes(State ?? ''),
            `${Id} is ${String(State)}`,
          )
          await host.engine.containers.remove(Id, { force: true })
        }
      }
      // a shim ends a moment after it has told of its container's end
      await until(() => !leftOvers(host.instance).some((what) => /^process|\/run\/c\//.test(what)))
      assert.deepEqual(fs.readdirSync(path.join(host.instance.runRoot, 'c')), [])
      const said = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      assert.equal(said.includes(`${runtime} --root ${root}`), false)
    })
  })
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never came to hold')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** '' when there is no such process; one that has ended may wait for its new parent. @see proc_pid_stat(5) */
function stateOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0)
  } catch {
    // ended, and its parent knows
    return ''
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it ended with the engine's
  }
}
