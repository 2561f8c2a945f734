import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import type { ContainerCreateConfig } from '../../../engine/contract/containers.ts'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { demultiplex } from '../../helpers/raw-stream.ts'

describe('containers', () => {
  let host: TestEngine
  before(async () => {
    host = await openTestEngine()
  })
  after(() => host.close())

  async function run(cmd: string[], config: ContainerCreateConfig = {}): Promise<string> {
    const { Id } = await host.engine.containers.create({ Image: 'busybox', Cmd: cmd, ...config })
    await host.engine.containers.start(Id)
    return Id
  }
  async function output(id: string): Promise<{ stdout: string; stderr: string }> {
    const { exited } = await host.engine.containers.wait(id)
    await exited
    const { stream } = await host.engine.containers.logs(id, { stdout: true, stderr: true })
    return demultiplex(stream)
  }

  test('start() runs the command with its environment, and wait() tells its exit code', async () => {
    const id = await run(['sh', '-c', 'echo "$GREETING $(hostname)"; echo oops >&2; exit 7'], {
      Env: ['GREETING=hello'],
      Hostname: 'boat',
    })
    const { exited } = await host.engine.containers.wait(id)
    assert.equal((await exited).StatusCode, 7)
    assert.deepEqual(await output(id), { stdout: 'hello boat\n', stderr: 'oops\n' })
    const { State } = await host.engine.containers.inspect(id)
    assert.equal(State?.Status, 'exited')
    assert.equal(State.ExitCode, 7)
  })

  test('start() of a command that is not there fails with 127 and leaves the container', async () => {
    const { Id } = await host.engine.containers.create({ Image: 'busybox', Cmd: ['nosuchprogram'] })
    await assert.rejects(
      host.engine.containers.start(Id),
      /exec: "nosuchprogram": executable file not found/,
    )
    const { State } = await host.engine.containers.inspect(Id)
    assert.equal(State?.ExitCode, 127)
    await host.engine.containers.remove(Id)
  })

  test('stop() sends the stop signal, and SIGKILL when the grace time is over', async () => {
    const good = await run([
      'sh',
      '-c',
      'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done',
    ])
    await until(async () => (await logsOf(good)).includes('ready'))
    await host.engine.containers.stop(good)
    assert.equal((await host.engine.containers.inspect(good)).State?.ExitCode, 3)
    const stubborn = await run([
      'sh',
      '-c',
      'trap "" TERM; echo ready; while :; do sleep 0.1; done',
    ])
    await until(async () => (await logsOf(stubborn)).includes('ready'))
    await host.engine.containers.stop(stubborn, { timeout: 1 })
    assert.equal((await host.engine.containers.inspect(stubborn)).State?.ExitCode, 137)
    await assert.rejects(host.engine.containers.stop(stubborn), { code: 'NOT_MODIFIED' })
  })

  async function logsOf(id: string): Promise<string> {
    const { stream } = await host.engine.containers.logs(id, { stdout: true, stderr: true })
    return text(stream)
  }

  test('pause() freezes and unpause() goes on', async () => {
    const id = await run(['sh', '-c', 'while :; do echo tick; sleep 0.05; done'])
    await host.engine.containers.pause(id)
    assert.equal((await host.engine.containers.inspect(id)).State?.Status, 'paused')
    let frozen = ''
    // its last words may still be on their way
    await until(async () => {
      frozen = await logsOf(id)
      await new Promise((resolve) => setTimeout(resolve, 300))
      return (await logsOf(id)) === frozen
    })
    await host.engine.containers.unpause(id)
    await until(async () => (await logsOf(id)).length > frozen.length)
    await host.engine.containers.remove(id, { force: true })
  })

  test('attach() before the start misses nothing, and closing stdin ends cat', async () => {
    const { Id } = await host.engine.containers.create({
      Image: 'busybox',
      Cmd: ['sh', '-c', 'echo first; cat; echo last'],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    })
    const { stream } = await host.engine.containers.attach(Id, {
      stream: true,
      stdin: true,
      stdout: true,
      stderr: true,
    })
    const answer = demultiplex(stream)
    await host.engine.containers.start(Id)
    stream.end('middle\n')
    assert.equal((await answer).stdout, 'first\nmiddle\nlast\n')
    await host.engine.containers.remove(Id, { force: true })
  })

  test('attach() while it starts is joined with what runs, whenever it comes', async () => {
    const config = { Image: 'busybox', Cmd: ['cat'], OpenStdin: true }
    const { Id } = await host.engine.containers.create(config)
    const ends: Promise<unknown>[] = []
    let isStarted = false
    const started = host.engine.containers.start(Id).then(() => (isStarted = true))
    while (!isStarted) {
      const { stream } = await host.engine.containers.attach(Id, { stream: true, stdout: true })
      ends.push(Promise.race([once(stream.resume(), 'end'), once(stream, 'close')]))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await started
    await host.engine.containers.kill(Id)
    await Promise.all(ends)
    await host.engine.containers.remove(Id)
  })

  test('start() with more attached than there is room for fails, and lets all of them go', async () => {
    const { Id } = await host.engine.containers.create({ Image: 'busybox', Cmd: ['sleep', '100'] })
    const ends = Array.from({ length: 250 }, async () => {
      const { stream } = await host.engine.containers.attach(Id, { stream: true, stdout: true })
      stream.resume()
      const end = Promise.race([once(stream, 'end'), once(stream, 'close')])
      return () => end
    })
    const waiting = await Promise.all(ends)
    await assert.rejects(host.engine.containers.start(Id), /too many clients/)
    await Promise.all(waiting.map((end) => end()))
    await host.engine.containers.remove(Id)
  })

  test('exec runs a second command as a user of the image, with its exit code', async () => {
    const id = await run(['sleep', '1000'])
    const { Id: execId } = await host.engine.execs.create(id, {
      Cmd: ['sh', '-c', 'id; echo $HOME; exit 5'],
      User: 'web',
      AttachStdout: true,
      AttachStderr: true,
    })
    const { stream } = await host.engine.execs.start(execId)
    assert.ok(stream)
    const { stdout } = await demultiplex(stream)
    assert.match(
      stdout,
      /uid=1000\(web\) gid=1000\(web\) groups=1000\(web\),2000\(extra\)\n\/var\/www/,
    )
    await until(async () => !(await host.engine.execs.inspect(execId)).Running)
    assert.equal((await host.engine.execs.inspect(execId)).ExitCode, 5)
    await host.engine.containers.remove(id, { force: true })
  })

  test('restart policies start again and count', async () => {
    const id = await run(['sh', '-c', 'exit 9'], {
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
    })
    await until(async () => {
      const { RestartCount, State } = await host.engine.containers.inspect(id)
      return RestartCount === 2 && State?.Status === 'exited'
    })
    await host.engine.containers.remove(id)
  })

  test('limits are what the kernel enforces', async () => {
    const id = await run(['sleep', '1000'], {
      HostConfig: { Memory: 64 << 20, NanoCpus: 5e8, PidsLimit: 20 },
    })
    const samples = host.engine.containers.stats(id, { stream: false, oneShot: true })
    for await (const sample of samples) {
      assert.equal(sample.memory_stats?.limit, 64 << 20)
      assert.equal(sample.pids_stats?.limit, 20)
    }
    await host.engine.containers.remove(id, { force: true })
  })

  test('remove() refuses a running container and takes anonymous volumes when asked', async () => {
    const id = await run(['sleep', '1000'], { Volumes: { '/data': {} } })
    await assert.rejects(host.engine.containers.remove(id), { code: 'CONFLICT' })
    const volume = (await host.engine.containers.inspect(id)).Mounts?.[0]?.Name ?? ''
    await host.engine.volumes.inspect(volume)
    await host.engine.containers.remove(id, { force: true, volumes: true })
    await assert.rejects(host.engine.volumes.inspect(volume), { code: 'NOT_FOUND' })
  })

  test('a name is taken once', async () => {
    const { Id } = await host.engine.containers.create({ Image: 'busybox' }, { name: 'only' })
    await assert.rejects(host.engine.containers.create({ Image: 'busybox' }, { name: 'only' }), {
      code: 'CONFLICT',
      message: new RegExp(`"/only" is already in use by container "${Id}"`),
    })
    await host.engine.containers.remove('only')
  })

  test('containers outlive the engine: it takes up where it was', async () => {
    const id = await run([
      'sh',
      '-c',
      'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.02; done',
    ])
    await host.reopen()
    const { State } = await host.engine.containers.inspect(id)
    assert.equal(State?.Status, 'running')
    const { exited } = await host.engine.containers.wait(id)
    await host.engine.containers.kill(id)
    assert.equal((await exited).StatusCode, 137)
    const lines = (await output(id)).stdout.trim().split('\n')
    assert.deepEqual(
      lines,
      lines.map((_, i) => `line ${String(i + 1)}`),
    )
  })
})

async function until(condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > end)
      throw new Error(`not within ${String(timeoutMs)} ms: ${condition.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
