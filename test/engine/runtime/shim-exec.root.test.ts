import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectUnixStream } from '../../../engine/native/send.ts'
import { closeFd } from '../../../engine/native/process.ts'
import { encodeExecPlan } from '../../../engine/runtime/plan.ts'
import type { ContainerLaunchError } from '../../../engine/runtime/launch-error.ts'
import type { ExecOptions, Shim } from '../../../engine/runtime/shim.ts'
import { connectShim } from '../../../engine/runtime/shim.ts'
import { encodeRequest, Request } from '../../../engine/runtime/shim-protocol.ts'
import type { OciProcess } from '../../../engine/types/oci-runtime.ts'
import type { Bench, Launched } from './shim-helper.ts'
import {
  eventually,
  isAlive,
  openBench,
  plainProcess,
  readAll,
  sh,
  stagedBuild,
  unframe,
  until,
} from './shim-helper.ts'

const LAUNCHER = path.join(import.meta.dirname, 'shim-launcher.ts')

/** Whatever happens within 100 ms is seen at once. */
const SLOW_POLL = `
  #include <poll.h>
  #include <unistd.h>
  static inline int slow_poll(struct pollfd *fds, nfds_t n, int timeout)
  {
    usleep(100000);
    return poll(fds, n, timeout);
  }
  #define poll slow_poll`

describe('Shim.exec', () => {
  let bench: Bench
  let run: Launched
  let shim: Shim
  let count = 0
  before(async () => {
    bench = openBench()
    run = await bench.launch({ process: sh('sleep 600') })
    shim = run.shim
  })
  after(async () => {
    await bench.clean()
  })

  function options(
    args: string[],
    change: Partial<ExecOptions> = {},
    process: Partial<OciProcess> = {},
  ): ExecOptions {
    return {
      id: `exec-${count++}`,
      process: plainProcess(args, process),
      stdin: false,
      stdout: true,
      stderr: true,
      detach: false,
      ...change,
    }
  }

  async function output(args: string[], process: Partial<OciProcess> = {}): Promise<string> {
    const { exited, stream } = await shim.exec(options(args, {}, process))
    assert.ok(stream)
    const { stderr, stdout } = unframe(await readAll(stream))
    await exited
    return stdout + stderr
  }

  it('runs beside the init in all its namespaces, with its code and output', async () => {
    const { exited, pid, stream } = await shim.exec(
      options(['sh', '-c', 'hostname; echo err >&2; exit 9']),
    )
    assert.ok(pid > 1 && stream)
    assert.deepEqual(unframe(await readAll(stream)), { stdout: 'shimtest\n', stderr: 'err\n' })
    assert.equal(await exited, 9)
    const own = await output([
      'sh',
      '-c',
      'for n in pid mnt net ipc uts cgroup; do readlink /proc/self/ns/$n /proc/1/ns/$n | uniq | wc -l; readlink /proc/self/ns/$n; readlink /proc/1/ns/$n; done',
    ])
    for (const namespace of ['pid', 'mnt', 'net', 'ipc', 'uts', 'cgroup']) {
      const there = fs.readlinkSync(`/proc/${shim.pid}/ns/${namespace}`)
      assert.equal(own.split(there).length - 1 >= 2, true, namespace)
      assert.notEqual(there, fs.readlinkSync(`/proc/self/ns/${namespace}`))
    }
  })

  it('leaves no descriptor but the standard three and no shim to be seen', async () => {
    assert.equal(await output(['ls', '/proc/self/fd']), '0\n1\n2\n3\n')
    assert.equal((await output(['ps', '-o', 'args'])).includes('shim'), false)
  })

  it('passes stdin and its end', async () => {
    const { stream } = await shim.exec(options(['wc', '-c'], { stdin: true }))
    assert.ok(stream)
    stream.end('y'.repeat(200_000))
    assert.equal(unframe(await readAll(stream)).stdout, '200000\n')
  })

  it('has a terminal of the container, resizes it, and replays it to who joins again', async () => {
    const started = await shim.exec(
      options(['sh'], { stdin: true }, { terminal: true, consoleSize: { height: 30, width: 90 } }),
    )
    const { stream } = started
    const id = `exec-${count - 1}`
    assert.ok(stream)
    stream.write('stty size; tty\n')
    await until(stream, /30 90\r\n\/dev\/pts\/\d+\r\n/)
    await shim.resize({ rows: 40, cols: 100 }, id)
    stream.write('stty size; echo first-$((1+1))\n')
    await until(stream, /40 100\r\nfirst-2/)
    stream.destroy()
    await sleep(50)
    const again = await shim.attachExec(id)
    await until(again, /30 90[^]*first-2/)
    again.write('echo second-$((1+1)); exit 6\n')
    await until(again, /second-2/)
    assert.equal(await started.exited, 6)
    await assert.rejects(shim.attachExec(id), { code: 'NOT_FOUND' })
  })

  it('lives on when its client goes, and its output is drained', async () => {
    const { exited, pid, stream } = await shim.exec(options(['sh', '-c', 'seq 1 200000; exit 3']))
    stream?.destroy()
    assert.equal(await exited, 3)
    assert.equal(isAlive(pid), false)
  })

  it('runs detached', async () => {
    const { exited, stream } = await shim.exec(
      options(['sh', '-c', 'echo unseen; exit 5'], { detach: true }),
    )
    assert.equal(stream, undefined)
    assert.equal(await exited, 5)
  })

  it('takes a signal', async () => {
    const { exited } = await shim.exec(options(['sleep', '100'], { id: 'sleeper' }))
    await shim.signal(15, 'sleeper')
    assert.equal(await exited, 143)
    await assert.rejects(shim.signal(15, 'sleeper'), { code: 'CONFLICT' })
  })

  it("tells what could not be started in Docker's words", async () => {
    const cases: [string[], Partial<OciProcess>, number, RegExp][] = [
      [
        ['nonesuch'],
        {},
        127,
        /^OCI runtime exec failed: exec failed: unable to start container process: exec: "nonesuch": executable file not found in \$PATH$/,
      ],
      [['/etc'], {}, 126, /exec: "\/etc": is a directory/],
      [
        ['true'],
        { cwd: '/nonesuch' },
        127,
        /chdir to cwd \("\/nonesuch"\) set in config.json failed: no such file or directory/,
      ],
    ]
    for (const [args, process, exitCode, words] of cases) {
      await assert.rejects(shim.exec(options(args, {}, process)), (error: ContainerLaunchError) => {
        assert.match(error.message, words)
        assert.equal(error.exitCode, exitCode)
        return true
      })
    }
  })

  it('runs as another user, who may still open /dev/stdout', async () => {
    const text = await output(
      ['sh', '-c', 'id -u; echo via > /dev/stdout; cat /proc/self/status | grep CapEff'],
      {
        user: { uid: 1000, gid: 1000 },
      },
    )
    assert.match(text, /^1000\nvia\nCapEff:\t0000000000000000\n$/)
  })

  it('keeps up with many at once', async () => {
    const codes = await Promise.all(
      Array.from({ length: 24 }, async (_, n) => {
        const { exited, stream } = await shim.exec(options(['sh', '-c', `echo ${n}; exit ${n}`]))
        assert.ok(stream)
        assert.equal(unframe(await readAll(stream)).stdout, `${n}\n`)
        return exited
      }),
    )
    assert.deepEqual(
      codes,
      Array.from({ length: 24 }, (_, n) => n),
    )
  })

  it('is known to the engine that comes next, with the codes of those that ended meanwhile', async () => {
    const other = await bench.launch({ process: sh('sleep 600') })
    const lasting = await other.shim.exec(
      options(['sleep', '500'], { id: 'lasting', detach: true }),
    )
    const brief = await other.shim.exec(
      options(['sh', '-c', 'sleep 0.3; exit 8'], { id: 'brief', detach: true }),
    )
    lasting.exited.catch(() => undefined)
    brief.exited.catch(() => undefined)
    other.shim.close()
    await eventually(() => !isAlive(brief.pid), 'the brief one ends')
    const next = await connectShim(other.options.runDir)
    assert.equal(next.pid, other.shim.pid)
    assert.deepEqual(await next.execs(), [
      { id: 'brief', pid: brief.pid, running: false, code: 8 },
      { id: 'lasting', pid: lasting.pid, running: true },
    ])
    assert.equal(await next.execExited('brief'), 8)
    const end = next.execExited('lasting')
    await next.signal(9)
    assert.equal(await end, 137)
    assert.equal((await next.ended)?.code, 137)
    next.close()
    await assert.rejects(connectShim(other.options.runDir), { code: 'NOT_FOUND' })
  })

  it('refuses an id twice and a container that is over', async () => {
    const other = await bench.launch({ process: sh('sleep 600') })
    await other.shim.exec(options(['sleep', '500'], { id: 'same', detach: true }))
    await assert.rejects(other.shim.exec(options(['true'], { id: 'same' })), { code: 'CONFLICT' })
    await other.shim.signal(9)
    await other.shim.ended
    await assert.rejects(other.shim.exec(options(['true'])), { code: 'CONFLICT' })
  })

  it('that ended before the container keeps its code, and its reader gets the last bytes', async () => {
    const other = await bench.launch({ process: sh('sleep 600') })
    const { exited, pid, stream } = await other.shim.exec(
      options(['sh', '-c', 'head -c 260000 /dev/zero; exit 3']),
    )
    assert.ok(stream)
    // nobody reads: some is with the socket, some with the shim, some in the pipe
    await eventually(() => !isAlive(pid), 'it has written all')
    await other.shim.signal(9)
    assert.equal((await other.shim.ended)?.code, 137)
    assert.equal(await exited, 3)
    assert.equal(unframe(await readAll(stream)).stdout.length, 260_000)
  })

  it('whose client leaves while it is started gets the end of its input', async () => {
    // the shim finds both together: that the process runs, and that nobody waits for it
    const launched = bench.options({ process: sh('sleep 600') })
    const file = path.join(bench.root, 'launch.json')
    fs.writeFileSync(file, JSON.stringify(launched))
    execFileSync(process.execPath, ['--import', 'tsx', LAUNCHER, file, 'close'], {
      env: { ...process.env, GANTRY_NATIVE: stagedBuild(bench.root, SLOW_POLL) },
      stdio: 'ignore',
    })
    const other = await connectShim(launched.runDir)
    try {
      const fd = connectUnixStream(path.join(launched.runDir, 's')) ?? -1
      const plan = encodeExecPlan({
        id: 'left',
        process: plainProcess(['sh', '-c', 'cat; exit 4']),
      })
      fs.writeSync(fd, encodeRequest(Request.exec, 7, plan))
      const children = `/proc/${String(other.shimPid)}/task/${String(other.shimPid)}/children`
      await eventually(
        () => fs.readFileSync(children, 'utf8').trim().split(' ').length === 2,
        'it is being started',
      )
      closeFd(fd)
      assert.equal((await other.execs()).length, 1)
      assert.equal(await Promise.race([other.execExited('left'), sleep(5000, 'runs')]), 4)
    } finally {
      await other.signal(9)
      await other.ended
      other.close()
    }
  })

  it('takes three milliseconds or so', async (t) => {
    const times: number[] = []
    for (let n = 0; n < 40; n++) {
      const start = performance.now()
      const { exited, stream } = await shim.exec(options(['true']))
      stream?.resume()
      await exited
      times.push(performance.now() - start)
    }
    times.sort((a, b) => a - b)
    t.diagnostic(`median ${times[20]?.toFixed(2)} ms`)
    await eventually(() => true, 'nothing left open')
  })
})
