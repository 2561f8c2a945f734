import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RawStream } from '../../docker-cli/raw-stream.ts'
import { EngineProcess } from '../../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../../helpers/local-engine.ts'
import { shimPids, sweepInstance } from '../../helpers/sweep-instance.ts'

/** Clients are given to the shim itself: what they are connected to is not the engine any more. */
describe('streams of clients while the engine is killed with -9 and comes back', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  before(async () => {
    await importBusybox(await host.start())
  })
  after(async () => {
    await host.kill('SIGTERM')
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  const open = (at: string, body?: unknown): Promise<RawStream> =>
    RawStream.open(host.instance.socketPath, `/v1.43${at}`, body === undefined ? {} : { body })

  async function create(script: string, config: object = {}): Promise<string> {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', script],
      ...config,
    })
    return Id
  }

  test('an exec goes on in both directions, and its exit code is known afterwards', async () => {
    const id = await create('sleep 1000')
    await host.engine.containers.start(id)
    const { Id } = await host.engine.execs.create(id, {
      Cmd: ['sh', '-c', 'while read line; do echo got $line; done; echo over >&2; exit 7'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    })
    const stream = await open(`/exec/${Id}/start`, {})
    assert.match(stream.head, /^HTTP\/1\.1 101 UPGRADED\r\n/)
    assert.match(stream.head, /content-type: application\/vnd\.docker\.multiplexed-stream/i)
    assert.match(stream.head, /api-version: /i)
    stream.send('one\n')
    await stream.until('got one\n')
    await host.kill()
    stream.send('two\n')
    await stream.until('got two\n')
    const engine = await host.start()
    assert.equal((await engine.execs.inspect(Id)).Running, true)
    stream.send('three\n')
    stream.closeInput()
    const { stderr, stdout } = (await stream.ended()).frames
    assert.equal(stdout.toString(), 'got one\ngot two\ngot three\n')
    assert.equal(stderr.toString(), 'over\n')
    assert.equal((await engine.execs.inspect(Id)).ExitCode, 7)
    await engine.containers.remove(id, { force: true })
  })

  test('an attach from before the start gets every byte, and the end', async () => {
    const id = await create(
      'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; sleep 0.01; done',
    )
    const stream = await open(`/containers/${id}/attach?stream=1&stdout=1&stderr=1`)
    await host.engine.containers.start(id)
    await stream.until('line 20\n')
    await host.kill()
    const expected = Array.from({ length: 300 }, (_, i) => `line ${String(i + 1)}\n`).join('')
    assert.equal((await stream.ended()).frames.stdout.toString(), expected)
    // until its shim has written how it ended
    while (shimPids(host.instance).length > 0) await sleep(20)
    const engine = await host.start()
    assert.equal((await engine.containers.inspect(id)).State?.ExitCode, 0)
    await engine.containers.remove(id)
  })

  test('an attach to a running container goes on, and one who leaves is let go', async () => {
    const id = await create('while read line; do echo got $line; done', { OpenStdin: true })
    await host.engine.containers.start(id)
    const stream = await open(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`)
    const shim = shimPids(host.instance).find((pid) =>
      fs.readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(id),
    )
    const files = (): number => fs.readdirSync(`/proc/${String(shim)}/fd`).length
    const other = await open(`/containers/${id}/attach?stream=1&stdout=1`)
    const before = files()
    await host.kill()
    stream.send('word\n')
    await stream.until('got word\n')
    await other.until('got word\n')
    other.destroy()
    // the engine's connection has gone as well
    for (let tries = 0; files() > before - 2; tries++) {
      assert.ok(tries < 100, `${String(files())} of ${String(before)} are open`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const engine = await host.start()
    stream.send('again\n')
    await stream.until('got again\n')
    stream.destroy()
    assert.equal((await engine.containers.inspect(id)).State?.Running, true)
    await engine.containers.remove(id, { force: true })
  })

  test('a client whose exec cannot start hears why, and nothing of it stays with the engine', async () => {
    const id = await create('sleep 1000')
    await host.engine.containers.start(id)
    const files = (): number => fs.readdirSync(`/proc/${String(host.pid)}/fd`).length
    const before = files()
    for (let times = 0; times < 10; times++) {
      const { Id } = await host.engine.execs.create(id, { Cmd: ['/missing'], AttachStdout: true })
      const stream = await open(`/exec/${Id}/start`, {})
      assert.match((await stream.ended()).frames.stdout.toString(), /no such file or directory/)
    }
    for (let tries = 0; files() > before + 2; tries++) {
      assert.ok(tries < 100, `${String(files())} of ${String(before)} are open`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await host.engine.containers.remove(id, { force: true })
  })
})
