import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connectShim } from '../../../engine/runtime/shim.ts'
import type { OciRuntime } from '../../../engine/runtime/oci-runtimes.ts'
import type { Bench } from './shim-helper.ts'
import { eventually, isAlive, openBench, plainProcess } from './shim-helper.ts'

/** What a runtime does when it is told to, in words of sh; `$pid_file` and `$process` are its arguments. */
interface Staged {
  create?: string
  start?: string
  exec?: string
}

const SILENT = { stdin: false, stdout: false, stderr: false, detach: true }

describe('a shim with another OCI runtime', () => {
  let bench: Bench
  let count = 0
  const children: ChildProcess[] = []
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
    for (const child of children) child.kill('SIGKILL')
  })

  /** Its containers are plain processes of the host: nothing but the order of events is looked at. */
  function staged({
    create = begin('exec sleep 600'),
    exec = 'true',
    start = 'true',
  }: Staged): OciRuntime {
    const file = path.join(bench.root, `runtime${String(count++)}`)
    fs.writeFileSync(
      file,
      `#!/bin/sh
      while [ $# -gt 0 ]; do
        case $1 in
          --pid-file) shift; pid_file=$1 ;;
          --process) shift; process=$1 ;;
          --detach) ;;
          --*) shift ;;
          create|start|exec) verb=$1 ;;
        esac
        shift
      done
      case $verb in
        create) ${create} ;;
        start) ${start} ;;
        exec) ${exec} ;;
      esac`,
      { mode: 0o755 },
    )
    return { name: 'staged', path: file, hostProcesses: true, entersUnified: false }
  }

  /** Leaves a process behind and tells its number. A shell that is still there when it ends would collect it. */
  function begin(script: string): string {
    return `/bin/sh -c '${script}' & echo $! > $pid_file`
  }

  const exec = (id: string) => ({ ...SILENT, id, process: plainProcess(['true']) })

  it('knows the code of a container that ended before the command that made it', async () => {
    const { shim } = await bench.launch({
      runtime: staged({ create: `${begin('sleep 0.1; exit 7')}; exec sleep 0.5` }),
    })
    assert.equal((await shim.ended)?.code, 7)
  })

  it('knows the code of a container that ended before the command that started it', async () => {
    const go = path.join(bench.root, 'go')
    const { shim } = await bench.launch({
      runtime: staged({
        create: begin(`while [ ! -e ${go} ]; do sleep 0.01; done; exit 8`),
        start: `touch ${go}; sleep 0.3`,
      }),
    })
    assert.equal((await shim.ended)?.code, 8)
  })

  it('lets nothing go on of a container whose start failed', async () => {
    const pid = path.join(bench.root, 'pid')
    const create = `${begin('exec sleep 600')}; cp $pid_file ${pid}`
    await assert.rejects(bench.launch({ runtime: staged({ create, start: 'exit 3' }) }))
    await eventually(() => !isAlive(Number(fs.readFileSync(pid, 'utf8'))), 'its process is gone')
  })

  it('takes no process for the container’s that is not its child: it would never hear of its end', async () => {
    const other = spawn('sleep', ['600'], { stdio: 'ignore' })
    children.push(other)
    const create = `echo ${String(other.pid)} > $pid_file`
    await assert.rejects(
      bench.launch({ runtime: staged({ create }) }),
      /adopt the runtime's process: no child/,
    )
    assert.equal(other.exitCode ?? other.signalCode, null)
  })

  it('knows the code of an exec that ended before the command that made it', async () => {
    const { shim } = await bench.launch({
      runtime: staged({ exec: `${begin('sleep 0.1; exit 9')}; exec sleep 0.5` }),
    })
    assert.equal(await (await shim.exec(exec('brief'))).exited, 9)
  })

  it('lets the next engine know of an exec that was being started when it came', async () => {
    const begun = path.join(bench.root, 'straddles')
    const { options, shim } = await bench.launch({
      runtime: staged({ exec: `touch ${begun}; sleep 0.4; ${begin('exec sleep 600')}` }),
    })
    void shim.exec(exec('straddles')).catch(() => undefined)
    await eventually(() => fs.existsSync(begun), 'the exec is being made')
    const next = await connectShim(options.runDir)
    const known = (await next.execs()).map(({ id, running }) => ({ id, running }))
    assert.deepEqual(known, [{ id: 'straddles', running: true }])
    await next.signal(9, 'straddles')
    next.close()
  })

  it('tells ends while a command of the runtime takes its time', async () => {
    const go = path.join(bench.root, 'slow-go')
    const wait = `while [ ! -e ${go} ]; do sleep 0.01; done`
    const { shim } = await bench.launch({
      runtime: staged({
        exec: `case $process in *slow*) ${wait} ;; esac; ${begin('sleep 0.1; exit 5')}`,
      }),
    })
    const slow = shim.exec(exec('slow'))
    const { exited } = await shim.exec(exec('quick'))
    assert.equal(await exited, 5)
    fs.writeFileSync(go, '')
    assert.equal(await (await slow).exited, 5)
  })

  it('hears of the end of a container while an exec is made in it', async () => {
    const begun = path.join(bench.root, 'never')
    const { shim } = await bench.launch({
      runtime: staged({ exec: `touch ${begun}; exec sleep 600` }),
    })
    const never = shim.exec(exec('never'))
    await eventually(() => fs.existsSync(begun), 'the exec is being made')
    await Promise.all([assert.rejects(never, { code: 'CONFLICT' }), shim.signal(15)])
    assert.equal((await shim.ended)?.code, 143)
  })
})
