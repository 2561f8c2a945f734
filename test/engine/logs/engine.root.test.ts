import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../../engine/contract.ts'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { collectStream, collectUnixDatagrams } from '../../helpers/collectors.ts'
import type { Collector } from '../../helpers/collectors.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { shimPids, sweepInstance } from '../../helpers/sweep-instance.ts'
import { unframe } from '../runtime/shim-helper.ts'

describe('logs of an engine', () => {
  let root = ''
  let process: EngineProcess
  let collectors: Collector[] = []

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    process = new EngineProcess(testInstance(root))
  })
  afterEach(async () => {
    await process.kill()
    for (const collector of collectors) await collector.close()
    collectors = []
    await sweepInstance(process.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  async function start(
    engine: Engine,
    script: string,
    config: ContainerCreateConfig = {},
  ): Promise<string> {
    const { Id } = await engine.containers.create({
      Image: 'busybox:latest',
      Cmd: ['sh', '-c', script],
      ...config,
      HostConfig: { NetworkMode: 'none', ...config.HostConfig },
    })
    await engine.containers.start(Id)
    return Id
  }

  async function log(engine: Engine, id: string): Promise<{ stdout: string; stderr: string }> {
    const { stream } = await engine.containers.logs(id, { stdout: true, stderr: true })
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    return unframe(Buffer.concat(chunks))
  }

  it('sends every line of a container over kills of the engine, and few of them twice', async () => {
    const server = await collectStream()
    collectors.push(server)
    let engine = await process.start()
    await importBusybox(engine)
    const LINES = 4000
    const id = await start(
      engine,
      `i=1; while [ $i -le ${String(LINES)} ]; do echo line $i; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.02; done; exit 0`,
      {
        HostConfig: {
          LogConfig: {
            Type: 'syslog',
            Config: { 'syslog-address': `tcp://127.0.0.1:${String(server.port)}` },
          },
        },
      },
    )
    for (let kill = 0; kill < 2; kill++) {
      await sleep(700)
      await process.kill('SIGKILL')
      await sleep(300)
      engine = await process.start()
    }
    const { exited } = await engine.containers.wait(id)
    assert.equal((await exited).StatusCode, 0)
    await server.until(({ text }) => text().includes(`line ${String(LINES)}\n`))
    const numbers = [...server.text().matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number))
    const distinct = [...new Set(numbers)].sort((one, other) => one - other)
    assert.deepEqual(
      distinct,
      Array.from({ length: LINES }, (_, index) => index + 1),
    )
    // what was under way at a kill: a batch at most
    assert.ok(numbers.length - LINES <= 2 * 1000, `${String(numbers.length - LINES)} came twice`)
  })

  it('has a driver of its own for containers that name none', async () => {
    const socket = path.join(root, 'journal')
    const journal = await collectUnixDatagrams(socket)
    collectors.push(journal)
    process = new EngineProcess({
      ...process.instance,
      logging: { driver: 'journald', options: { tag: '{{.Name}}' } },
      journaldSocket: socket,
    })
    const engine = await process.start()
    await importBusybox(engine)
    const info = await engine.system.info()
    assert.equal(info.LoggingDriver, 'journald')
    assert.ok(info.Plugins?.Log?.includes('journald'))
    const id = await start(engine, 'echo hello; exec sleep 1000')
    await journal.until(({ received }) => received.length === 1)
    const { Name, HostConfig } = await engine.containers.inspect(id)
    assert.match(
      journal.text(),
      new RegExp(`^MESSAGE=hello\nPRIORITY=6\n[^]*CONTAINER_TAG=${Name?.slice(1) ?? ''}\n`),
    )
    assert.deepEqual(HostConfig?.LogConfig, { Type: 'journald', Config: { tag: '{{.Name}}' } })
    assert.equal((await log(engine, id)).stdout, 'hello\n')
    const other = await start(engine, 'echo here', {
      HostConfig: { LogConfig: { Type: 'json-file', Config: {} } },
    })
    await (
      await engine.containers.wait(other)
    ).exited
    assert.equal((await log(engine, other)).stdout, 'here\n')
    assert.equal(journal.received.length, 1)
  })

  it('has whole logs of containers that need not wait for the disk, also when their shim is killed', async () => {
    const engine = await process.start()
    await importBusybox(engine)
    const script = 'trap "exit 5" TERM; seq 1000; echo end >&2; while :; do sleep 0.02; done'
    const Config = { mode: 'non-blocking', 'max-buffer-size': '2m' }
    const [json = '', local = ''] = await Promise.all(
      (['json-file', 'local'] as const).map((Type) =>
        start(engine, script, { HostConfig: { LogConfig: { Type, Config } } }),
      ),
    )
    const numbers = `${Array.from({ length: 1000 }, (_, i) => String(i + 1)).join('\n')}\n`
    for (const id of [json, local])
      while (!(await log(engine, id)).stderr.includes('end')) await sleep(10)
    // the shim, and who writes for it
    assert.equal(shimPids(process.instance).length, 4)
    await engine.containers.stop(json)
    assert.equal((await engine.containers.inspect(json)).State?.ExitCode, 5)
    const { exited } = await engine.containers.wait(local)
    for (const pid of shimPids(process.instance)) {
      const status = fs.readFileSync(`/proc/${String(pid)}/status`, 'utf8')
      const parent = /^PPid:\t(\d+)/m.exec(status)?.[1] ?? ''
      const isWriter = fs.readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes('gantry-shim')
      if (!isWriter) globalThis.process.kill(pid, 'SIGKILL')
    }
    await exited
    while (shimPids(process.instance).length > 0) await sleep(10)
    for (const id of [json, local])
      assert.deepEqual(await log(engine, id), { stdout: numbers, stderr: 'end\n' })
  })

  it('lets containers go on when the disk is full, and says in the log what it lacks', async () => {
    const { dataRoot } = process.instance
    fs.mkdirSync(dataRoot, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dataRoot])
    const engine = await process.start()
    await importBusybox(engine)
    const id = await start(
      engine,
      `seq 1 1000; trap 'seq 1001 31000; echo full >&2' USR1; trap 'seq 31001 32000; exit 3' USR2; echo ready >&2; while :; do sleep 0.02; done`,
    )
    const { stream } = await engine.containers.attach(id, {
      stream: true,
      stdout: true,
      stderr: true,
    })
    let seen = ''
    stream.on('data', (chunk: Buffer) => (seen += chunk.toString('latin1')))
    while (!(await log(engine, id)).stderr.includes('ready')) await sleep(10)
    const fill = path.join(dataRoot, 'fill')
    assert.throws(() => fs.writeFileSync(fill, Buffer.alloc(32 << 20)), { code: 'ENOSPC' })
    await engine.containers.kill(id, 'USR1')
    for (let tries = 0; !seen.includes('full\n'); tries++) {
      assert.ok(tries < 500, 'the container waited for the disk')
      await sleep(20)
    }
    fs.rmSync(fill)
    await engine.containers.kill(id, 'USR2')
    assert.equal((await (await engine.containers.wait(id)).exited).StatusCode, 3)
    const { stdout, stderr } = await log(engine, id)
    // now and then a last corner is found, and each gap has its own word
    const notes = [
      ...stderr.matchAll(/gantry: (\d+) lines? w(?:as|ere) lost here: no space left on device\n/g),
    ]
    const lost = notes.reduce((sum, [, count]) => sum + Number(count), 0)
    const kept = stdout.trimEnd().split('\n').map(Number)
    assert.deepEqual(
      kept,
      [...new Set(kept)].sort((one, other) => one - other),
    )
    assert.deepEqual(
      kept.slice(-1000),
      Array.from({ length: 1000 }, (_, index) => 31_001 + index),
    )
    const told = stderr.includes('full\n') ? 1 : 0
    assert.ok(lost > 0)
    assert.equal(kept.length + told + lost, 32_001)
    assert.match(process.said, /cannot be written, its lines are lost: ENOSPC/)
    assert.match(
      process.said,
      new RegExp(`is written again; ${notes.at(-1)?.[1] ?? ''} lines were lost`),
    )
  })
})
