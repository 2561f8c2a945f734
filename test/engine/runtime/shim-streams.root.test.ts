import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Bench } from './shim-helper.ts'
import { eventually, isAlive, openBench, readAll, sh, unframe, until } from './shim-helper.ts'

const BOTH = { stdin: false, stdout: true, stderr: true }
const ALL = { stdin: true, stdout: true, stderr: true }

describe('Shim.attach', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  it('frames what the container prints, from its first byte with holdFor, to its last', async () => {
    const run = await bench.launch({
      holdFor: 1,
      process: sh('echo one; echo two >&2; printf three'),
    })
    await sleep(50)
    const streams = unframe(await readAll(await run.shim.attach(BOTH)))
    assert.deepEqual(streams, { stdout: 'one\nthree', stderr: 'two\n' })
    assert.equal((await run.shim.ended)?.code, 0)
  })

  it('gives several clients the same, and each only what it asked for', async () => {
    const run = await bench.launch({ holdFor: 3, process: sh('seq 1 20000; seq 1 2000 >&2') })
    const clients = await Promise.all([
      run.shim.attach(BOTH),
      run.shim.attach({ ...BOTH, stderr: false }),
      run.shim.attach({ ...BOTH, stdout: false }),
    ])
    const [both, out, err] = (await Promise.all(clients.map(readAll))).map(unframe)
    const numbers = (n: number): string =>
      Array.from({ length: n }, (_, i) => `${i + 1}\n`).join('')
    assert.deepEqual(both, { stdout: numbers(20000), stderr: numbers(2000) })
    assert.deepEqual(out, { stdout: numbers(20000), stderr: '' })
    assert.deepEqual(err, { stdout: '', stderr: numbers(2000) })
    assert.equal(run.stdout(), numbers(20000))
  })

  it('passes stdin on and, with StdinOnce, its end', async () => {
    const run = await bench.launch({
      openStdin: true,
      stdinOnce: true,
      process: sh('cat; echo done'),
    })
    const stream = await run.shim.attach(ALL)
    const big = 'x'.repeat(300_000)
    stream.end(big)
    assert.equal(unframe(await readAll(stream)).stdout, `${big}done\n`)
    assert.equal((await run.shim.ended)?.code, 0)
  })

  it('loses no last byte for a client that still writes when the container ends', async () => {
    for (let n = 0; n < 5; n++) {
      const run = await bench.launch({
        openStdin: true,
        stdinOnce: true,
        holdFor: 1,
        process: sh('head -c 10 >/dev/null; seq 1 5000; exec 0<&-; seq 5001 10000'),
      })
      const stream = await run.shim.attach(ALL)
      stream.on('error', (error) => {
        assert.fail(error)
      })
      const typing = setInterval(() => stream.writable && stream.write('typed on and on\n'), 1)
      stream.once('end', () => {
        clearInterval(typing)
      })
      const { stdout } = unframe(await readAll(stream))
      clearInterval(typing)
      assert.ok(stdout.endsWith('\n10000\n'))
      assert.equal(stdout.split('\n').length, 10001)
      assert.equal((await run.shim.ended)?.code, 0)
    }
  })

  it('leaves stdin open for the next client without StdinOnce', async () => {
    const run = await bench.launch({ openStdin: true, process: sh('read a; read b; echo "$a $b"') })
    const first = await run.shim.attach(ALL)
    first.end('hello\n')
    // as with Docker, the end of its input is the end of the attach
    await readAll(first)
    const second = await run.shim.attach(ALL)
    second.write('world\n')
    assert.equal(unframe(await readAll(second)).stdout, 'hello world\n')
  })

  it('has stdin at its end from the start when it was not to be open', async () => {
    const run = await bench.launch({ process: sh('cat; echo eof') })
    await run.shim.ended
    assert.equal(run.stdout(), 'eof\n')
  })

  it('slows the container down for a client that does not read, without losing a byte or growing', async () => {
    const run = await bench.launch({ holdFor: 1, process: sh('seq 1 400000; echo end >&2') })
    const stream = await run.shim.attach(BOTH)
    stream.pause()
    await sleep(400)
    assert.ok(isAlive(run.shim.pid), 'it waits')
    assert.ok(rss(run.shim.shimPid) < 1500, 'bounded')
    const { stderr, stdout } = unframe(await readAll(stream))
    assert.equal(stdout.length, 2_688_895)
    assert.equal(stderr, 'end\n')
    assert.equal(run.log().length, 400_001)
  })

  it('gives a terminal its size, resizes it, and makes it the console', async () => {
    const run = await bench.launch({
      tty: true,
      openStdin: true,
      size: { rows: 24, cols: 80 },
      process: {
        ...sh(
          'trap "stty size; exit 3" WINCH; stty size; tty; ls -l /dev/console | cut -c1; while :; do sleep 0.1; done',
        ),
        terminal: true,
      },
    })
    await eventually(() => run.stdout().includes('c\r\n'), 'started')
    assert.equal(run.stdout(), '24 80\r\n/dev/pts/0\r\nc\r\n')
    await run.shim.resize({ rows: 50, cols: 132 })
    assert.equal((await run.shim.ended)?.code, 3)
    assert.match(run.stdout(), /50 132\r\n$/)
  })

  it('talks over a terminal, with job control', async () => {
    const run = await bench.launch({
      tty: true,
      openStdin: true,
      process: { args: ['sh'], terminal: true },
    })
    const stream = await run.shim.attach(ALL)
    stream.write('echo $((40+2))\n')
    await until(stream, /\r\n42\r\n/)
    stream.write('sleep 100\n')
    // in the foreground, which is what gets the signal
    await eventually(() => foregroundOf(run.shim.pid) !== run.shim.pid, 'it sleeps')
    stream.write('\x03')
    stream.write('echo code $?\n')
    await until(stream, /code 130/)
    stream.write('exit 4\n')
    await readAll(stream)
    assert.equal((await run.shim.ended)?.code, 4)
  })

  it('is not to be had when the container is over', async () => {
    const run = await bench.launch({ process: sh('true') })
    await run.shim.ended
    await assert.rejects(run.shim.attach(BOTH), { code: 'CONFLICT' })
    await assert.rejects(run.shim.signal(9), { code: 'CONFLICT' })
    await assert.rejects(run.shim.resize({ rows: 1, cols: 1 }), { code: 'CONFLICT' })
  })

  it('takes output that others still hold for a bounded time only', async () => {
    const run = await bench.launch({
      linux: { namespaces: [{ type: 'mount' }, { type: 'network' }] },
      process: sh('echo started; sleep 30 & exit 5'),
    })
    const start = Date.now()
    assert.equal((await run.shim.ended)?.code, 5)
    assert.ok(Date.now() - start < 20_000, 'it does not wait for the sleep')
  })
})

describe('the socket of a shim', () => {
  let bench: Bench
  before(() => {
    bench = openBench()
  })
  after(async () => {
    await bench.clean()
  })

  it('survives garbage, half requests and hundreds of idle clients', async () => {
    const run = await bench.launch({ process: sh('sleep 60') })
    const socketPath = path.join(run.options.runDir, 's')
    assert.equal(fs.statSync(socketPath).mode & 0o777, 0o600)
    const payloads = [
      Buffer.alloc(0),
      Buffer.from([1]),
      Buffer.alloc(8, 0xff),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      header(0, 77),
      header(10, 2),
      Buffer.concat([header(16, 2), Buffer.alloc(16, 7)]),
      Buffer.concat([header(12, 4), Buffer.alloc(12, 0xff)]),
      Buffer.concat([header(5, 5), Buffer.alloc(5, 1)]),
      Buffer.concat([header(4, 3), Buffer.alloc(4, 0xff)]),
      header(4 << 20, 2),
    ]
    let random = 12345
    for (let n = 0; n < 300; n++) {
      payloads.push(
        Buffer.concat([
          header(40, 1 + (n % 6)),
          Buffer.from(
            Array.from(
              { length: 40 },
              () => (random = (random * 1103515245 + 12345) & 0x7fffffff) >> 16,
            ),
          ),
        ]),
      )
    }
    const before = descriptorsOf(run.shim.shimPid)
    for (const payload of payloads) await poke(socketPath, payload)
    const idle = await Promise.all(Array.from({ length: 300 }, () => open(socketPath)))
    assert.ok(isAlive(run.shim.shimPid))
    for (const socket of idle) socket.destroy()
    await eventually(() => descriptorsOf(run.shim.shimPid) < before + 10, 'it lets go of them')
    assert.equal(unframe(await readAll((await execEcho(run)).stream)).stdout, 'still here\n')
  })

  it('waits at rest while it has no descriptor for who comes, and takes them once it has', async () => {
    const run = await bench.launch({ process: sh('sleep 60') })
    const pid = String(run.shim.shimPid)
    const open = new Set(fs.readdirSync(`/proc/${pid}/fd`).map(Number))
    let free = 0
    while (open.has(free)) free++
    // the soft limit only, so that it can be given back
    execFileSync('prlimit', ['--pid', pid, `--nofile=${String(free)}:`])
    const echo = execEcho(run)
    const before = cpuTicks(run.shim.shimPid)
    await sleep(500)
    // at full tilt it would have used some fifty
    assert.ok(cpuTicks(run.shim.shimPid) - before < 10, 'it does not spin')
    execFileSync('prlimit', ['--pid', pid, '--nofile=1024:'])
    assert.equal(unframe(await readAll((await echo).stream)).stdout, 'still here\n')
  })

  async function execEcho(
    run: Awaited<ReturnType<Bench['launch']>>,
  ): Promise<{ stream: net.Socket }> {
    const { stream } = await run.shim.exec({
      id: 'echo',
      process: { ...run.options.spec.process, args: ['echo', 'still here'] },
      ...BOTH,
      detach: false,
    })
    return { stream: stream as net.Socket }
  }
})

describe('the memory of a shim', () => {
  it('is at most 0.2 MiB when several run', async (t) => {
    const bench = openBench()
    t.after(() => bench.clean())
    const runs = []
    for (let n = 0; n < 8; n++) runs.push(await bench.launch({ process: sh('echo up; sleep 60') }))
    await promisify(execFile)('sleep', ['1'])
    const sizes = runs.map((run) => pss(run.shim.shimPid))
    t.diagnostic(`PSS in KiB: ${sizes.join(' ')}`)
    for (const size of sizes) assert.ok(size <= 205, `${size} KiB`)
  })
})

function header(length: number, kind: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt16LE(kind, 4)
  bytes.writeUInt16LE(7, 6)
  return bytes
}

function open(socketPath: string): Promise<net.Socket> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath)
    socket.on('error', () => {
      resolve(socket)
    })
    socket.on('connect', () => {
      resolve(socket)
    })
  })
}

async function poke(socketPath: string, payload: Buffer): Promise<void> {
  const socket = await open(socketPath)
  socket.write(payload)
  await new Promise((resolve) => setImmediate(resolve))
  socket.destroy()
}

function rss(pid: number): number {
  return field(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Rss')
}

function pss(pid: number): number {
  return field(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Pss')
}

/** The process group that has its terminal. @see proc_pid_stat(5), tpgid */
function foregroundOf(pid: number): number {
  return Number(
    fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[5],
  )
}

/** @see proc_pid_stat(5), utime and stime */
function cpuTicks(pid: number): number {
  const fields = fs
    .readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function descriptorsOf(pid: number): number {
  return fs.readdirSync(`/proc/${pid}/fd`).length
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1])
}
