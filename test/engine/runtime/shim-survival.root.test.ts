import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { patient } from '../../helpers/patience.ts'
import { shimPath } from '../../../engine/native/addon.ts'
import { readExitRecord } from '../../../engine/runtime/exit-record.ts'
import { launchContainer } from '../../../engine/runtime/launch.ts'
import { connectShim } from '../../../engine/runtime/shim.ts'
import type { Bench } from './shim-helper.ts'
import { eventually, isAlive, openBench, readAll, readLog, sh, unframe } from './shim-helper.ts'

const LAUNCHER = fileURLToPath(new URL('./shim-launcher.ts', import.meta.url))

describe('a shim', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  /** Starts a container from another process and kills that with -9 after a while. */
  async function launchAndDie(
    script: string,
    afterMs: number | 'started',
  ): Promise<ReturnType<Bench['options']>> {
    const options = bench.options({ process: sh(script) })
    const file = path.join(path.dirname(options.runDir), 'options.json')
    fs.writeFileSync(file, JSON.stringify(options))
    const child = spawn(process.execPath, ['--import', 'tsx', LAUNCHER, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (bytes: Buffer) => {
        const text = bytes.toString()
        if (afterMs === 'started' ? text.includes('started') : text.includes('ready')) resolve()
      })
    })
    if (afterMs !== 'started') await sleep(afterMs)
    child.kill('SIGKILL')
    await gone
    return options
  }

  it('goes on without its engine: no line is lost or doubled, the code is kept, the next engine finds it', async () => {
    const options = await launchAndDie(
      'for i in $(seq 1 60); do echo $i; sleep 0.01; done; until [ -e /tmp/go ]; do sleep 0.01; done; read x < /tmp/go; exit 7',
      'started',
    )
    const shim = await connectShim(options.runDir)
    assert.ok(isAlive(shim.pid))
    const exec = await shim.exec({
      id: 'go',
      process: {
        ...options.spec.process,
        args: ['sh', '-c', 'mkfifo /tmp/go; echo x > /tmp/go; echo said'],
      },
      stdin: false,
      stdout: true,
      stderr: true,
      detach: false,
    })
    assert.ok(exec.stream)
    shim.close()
    exec.stream.destroy()
    exec.exited.catch(() => undefined)
    await eventually(() => fs.existsSync(options.exitPath), 'ended')
    assert.equal((await readExitRecord(options.exitPath))?.code, 7)
    await assert.rejects(connectShim(options.runDir), { code: 'NOT_FOUND' })
    assert.deepEqual(
      readLog(options.log?.path ?? '')
        .map(({ log }) => Number(log))
        .filter((n) => n > 0),
      Array.from({ length: 60 }, (_, n) => n + 1),
    )
  })

  it('is found or fully gone when the engine dies at any moment of a launch', async (t) => {
    let found = 0
    const delays = [0, 2, 4, 6, 8, 10, 13, 16, 20]
    for (const delay of delays) {
      const options = await launchAndDie('sleep 600', delay)
      const shim = await foundOrGone(options.runDir)
      if (!shim) continue
      found++
      assert.ok(isAlive(shim.pid))
      await shim.signal(9)
      assert.equal((await shim.ended)?.code, 137)
      shim.close()
    }
    t.diagnostic(`${found} of ${delays.length} ran`)
  })

  it('takes its container along when it is killed, and tells so by silence', async () => {
    const run = await bench.launch({ process: sh('sleep 600 & sleep 600') })
    process.kill(run.shim.shimPid, 'SIGKILL')
    assert.equal(await run.shim.ended, null)
    await eventually(() => !isAlive(run.shim.pid), 'init is gone')
    await assert.rejects(connectShim(run.options.runDir), { code: 'NOT_FOUND' })
  })

  it('of an engine that is gone leaves the shim alone that the next one has started there', async () => {
    const run = await bench.launch({ process: sh('sleep 600') })
    // it comes late: the plan is that of another engine's launch
    const late = spawn('sh', ['-c', `"${shimPath()}" "${run.options.runDir}" 3>&1; exit 0`])
    await new Promise((resolve) => late.once('exit', resolve))
    const next = await connectShim(run.options.runDir)
    assert.equal(next.shimPid, run.shim.shimPid)
    next.close()
  })

  it('ignores what would stop others', async () => {
    const run = await bench.launch({ process: sh('sleep 600') })
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGPIPE'] as const)
      process.kill(run.shim.shimPid, signal)
    await sleep(50)
    assert.ok(isAlive(run.shim.shimPid) && isAlive(run.shim.pid))
  })

  it('reaps what is orphaned in the container', async () => {
    const run = await bench.launch({
      linux: { namespaces: [{ type: 'mount' }, { type: 'network' }] },
      process: sh('for i in 1 2 3; do (sleep 0.05 & ) ; done; echo made; sleep 600'),
    })
    const children = (): number[] =>
      fs
        .readFileSync(`/proc/${run.shim.shimPid}/task/${run.shim.shimPid}/children`, 'utf8')
        .trim()
        .split(' ')
        .map(Number)
    await eventually(() => run.stdout().includes('made'), 'its orphans are the shim’s')
    await eventually(() => children().length === 1, 'they are reaped')
    assert.deepEqual(children(), [run.shim.pid])
  })

  it('starts the same container again at once', async () => {
    const first = await bench.launch({ process: sh('echo one > /kept; exit 1') })
    await first.shim.ended
    for (let n = 0; n < 5; n++) {
      const shim = await launchContainer({
        ...first.options,
        spec: {
          ...first.options.spec,
          process: { ...first.options.spec.process, ...sh('cat /kept; exit 2') },
        },
      })
      assert.equal((await shim.ended)?.code, 2)
      shim.close()
    }
    assert.equal(first.stdout(), 'one\n'.repeat(5))
  })

  it('lets the process end once all is closed', async () => {
    const options = bench.options({ process: sh('sleep 600') })
    const file = path.join(path.dirname(options.runDir), 'options.json')
    fs.writeFileSync(file, JSON.stringify(options))
    const child = spawn(process.execPath, ['--import', 'tsx', LAUNCHER, file, 'close'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    assert.equal(code, 0)
    const shim = await connectShim(options.runDir)
    const stream = await shim.attach({ stdin: false, stdout: true, stderr: true })
    await shim.signal(9)
    assert.deepEqual(unframe(await readAll(stream)), { stdout: '', stderr: '' })
    assert.equal((await shim.ended)?.code, 137)
    shim.close()
  })
})

/** What is being started when its engine dies comes up, or goes away with all it had. */
async function foundOrGone(
  runDir: string,
): Promise<Awaited<ReturnType<typeof connectShim>> | undefined> {
  for (const end = Date.now() + patient(10_000); Date.now() < end; await sleep(10)) {
    const shim = await connectShim(runDir).catch(() => undefined)
    if (shim) return shim
    if (!fs.existsSync(path.join(runDir, 's')) && processesBelow(runDir).length === 0)
      return undefined
  }
  throw new Error(`${runDir} has neither a shim that answers nor nothing`)
}

function processesBelow(runDir: string): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return (
        fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(runDir) &&
        fs.readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('gantry')
      )
    } catch {
      return false
    }
  })
}
