import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectUnixStream } from '../../../engine/native/send.ts'
import { closeFd } from '../../../engine/native/process.ts'
import { connectShim } from '../../../engine/runtime/shim.ts'
import { patient } from '../../helpers/patience.ts'
import type { Bench, Launched } from './shim-helper.ts'
import { eventually, isAlive, openBench, plainProcess, sh } from './shim-helper.ts'

/** What comes to an end of itself, and must not be waited for for ever. */
function soon<T>(promise: Promise<T>): Promise<T | 'never'> {
  return Promise.race([promise, sleep(patient(20_000), 'never' as const, { ref: false })])
}

describe('the link to a shim', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  /** Of the container's root. */
  const inside = ({ options }: Launched, name: string): string => {
    assert.ok(options.rootfs.kind === 'overlay')
    return path.join(options.rootfs.upper, name)
  }

  /** The descriptors of a shim that are sockets: its listener, the watchers, the streams. */
  const sockets = (pid: number): number => {
    const directory = `/proc/${String(pid)}/fd`
    const isSocket = (fd: string): boolean => {
      try {
        return fs.readlinkSync(path.join(directory, fd)).startsWith('socket:')
      } catch {
        // closed while we look
        return false
      }
    }
    return fs.readdirSync(directory).filter(isSocket).length
  }

  /** Waits without a turn of the event loop: nothing is read meanwhile. */
  function blockUntil(holds: () => boolean): void {
    const deadline = performance.now() + 30_000
    while (!holds()) {
      assert.ok(performance.now() < deadline, 'it comes to pass')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }

  it('is made anew when the shim has cut it for not being read: the container runs, all ends are known', async (t) => {
    // every line is a rotation, and every rotation is told
    const run = await bench.launch({
      log: { path: path.join(bench.root, 'busy'), maxSizeBytes: 1, maxFiles: 2, compress: true },
      process: sh(
        'while [ ! -e /go ]; do sleep 0.01; done; seq 1 15000; touch /over; while [ ! -e /end ]; do sleep 0.05; done; exit 7',
      ),
    })
    const { shim } = run
    const news: string[] = []
    shim.onLogNews(({ what }) => news.push(what))
    const exec = (id: string, script: string) =>
      shim.exec({
        id,
        process: plainProcess(sh(script).args),
        stdin: false,
        stdout: false,
        stderr: false,
        detach: true,
      })
    const ended = await exec('ended', 'while [ ! -e /over ]; do sleep 0.01; done; exit 9')
    const lasting = await exec('lasting', 'while [ ! -e /enough ]; do sleep 0.05; done; exit 3')
    await exec('go', 'sleep 0.2; touch /go')
    blockUntil(() => fs.existsSync(inside(run, 'over')) && !isAlive(ended.pid))
    // its listener only
    blockUntil(() => sockets(shim.shimPid) === 1)
    assert.equal(news.length, 0)

    assert.equal(await soon(ended.exited), 9)
    await eventually(() => sockets(shim.shimPid) === 2, 'it is linked again')
    t.diagnostic(`${String(news.length)} of 15000 rotations were told`)
    assert.ok(news.length < 15_000)
    assert.equal(news.at(-1), 'rotated')
    assert.equal(await Promise.race([shim.ended, sleep(100, 'runs')]), 'runs')
    assert.equal(await (await exec('next', 'exit 5')).exited, 5)
    await exec('enough', 'touch /enough')
    assert.equal(await soon(lasting.exited), 3)
    await exec('end', 'touch /end')
    const exit = await soon(shim.ended)
    assert.ok(exit && exit !== 'never')
    assert.equal(exit.code, 7)
  })

  it('knows how a container ended that did so while the link was cut', async () => {
    const run = await bench.launch({
      log: { path: path.join(bench.root, 'last'), maxSizeBytes: 1, maxFiles: 2, compress: true },
      process: sh('sleep 0.3; seq 1 15000; exit 7'),
    })
    blockUntil(() => !isAlive(run.shim.shimPid) || fs.existsSync(run.options.exitPath))
    const exit = await soon(run.shim.ended)
    assert.ok(exit && exit !== 'never')
    assert.equal(exit.code, 7)
  })

  it('tells the next engine, too, that the shim was killed', async () => {
    const run = await bench.launch({ process: sh('sleep 600') })
    const next = await connectShim(run.options.runDir)
    process.kill(run.shim.shimPid, 'SIGKILL')
    assert.equal(await soon(run.shim.ended), null)
    assert.equal(await soon(next.ended), null)
  })

  it('has room with a shim that is crowded by clients', async () => {
    const run = await bench.launch({ process: sh('sleep 600') })
    const streams = { stdin: false, stdout: true, stderr: true }
    const clients = []
    for (let n = 0; n < 247; n++) clients.push(await run.shim.attach(streams))
    await assert.rejects(run.shim.attach(streams), /too many clients/)
    const next = await connectShim(run.options.runDir)
    assert.equal(next.pid, run.shim.pid)
    // also behind such as do not say what they want
    const silent = []
    for (let n = 0; n < 20; n++) silent.push(connectUnixStream(path.join(run.options.runDir, 's')))
    const late = run.shim.attach(streams)
    await sleep(50)
    for (const fd of silent) if (fd !== undefined) closeFd(fd)
    await assert.rejects(late, /too many clients/)
    for (const client of clients) client.destroy()
    await next.signal(9)
    assert.notEqual(await soon(next.ended), 'never')
    next.close()
  })
})
