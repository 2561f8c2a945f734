import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import Docker from 'dockerode'
import { EngineProcess } from '../helpers/engine-process.ts'
import { importBusybox, testInstance } from '../helpers/local-engine.ts'
import { sweepInstance } from '../helpers/sweep-instance.ts'

describe('the dockerode SDK', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const host = new EngineProcess(testInstance(root))
  let docker: Docker

  before(async () => {
    await importBusybox(await host.start())
    docker = new Docker({ socketPath: host.instance.socketPath })
  })
  after(async () => {
    for (const { Id } of await docker.listContainers({ all: true })) {
      await docker.getContainer(Id).remove({ force: true })
    }
    await host.kill('SIGTERM')
    await sweepInstance(host.instance)
    fs.rmSync(root, { recursive: true, force: true })
  })

  test('run() attaches, streams both outputs and tells the exit code', async () => {
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    const texts = Promise.all([text(stdout), text(stderr)])
    const [data, container] = (await docker.run(
      'busybox',
      ['sh', '-c', 'echo out; echo err >&2; exit 4'],
      [stdout, stderr],
      { Tty: false },
    )) as [{ StatusCode: number }, Docker.Container]
    stdout.end()
    stderr.end()
    assert.equal(data.StatusCode, 4)
    assert.deepEqual(await texts, ['out\n', 'err\n'])
    await container.remove()
  })

  test('exec carries input and output over a hijacked connection', async () => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '600'] })
    await container.start()
    const exec = await container.exec({
      Cmd: ['cat'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    })
    const stream = await exec.start({ hijack: true, stdin: true })
    const stdout = new PassThrough()
    const answer = text(stdout)
    docker.modem.demuxStream(stream, stdout, new PassThrough())
    stream.on('end', () => stdout.end())
    stream.end('through and back\n')
    assert.equal(await answer, 'through and back\n')
    assert.equal((await exec.inspect()).ExitCode, 0)
    await container.remove({ force: true })
  })

  test('events tell of what happens, by their filters', async () => {
    const events = await docker.getEvents({
      filters: { type: ['container'], event: ['start', 'die'] },
    })
    const seen = (async () => {
      let lines = ''
      for await (const chunk of events) {
        lines += String(chunk)
        if (lines.includes('"die"')) break
      }
      return lines
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { Action: string }).Action)
    })()
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['true'] })
    await container.start()
    assert.deepEqual(await seen, ['start', 'die'])
    await container.remove()
  })

  test('logs follow until the end', async () => {
    const container = await docker.createContainer({
      Image: 'busybox',
      Tty: true,
      Cmd: ['sh', '-c', 'for i in 1 2 3; do echo line $i; sleep 0.1; done'],
    })
    await container.start()
    const stream = await container.logs({ follow: true, stdout: true, stderr: true })
    assert.equal(await text(stream as unknown as PassThrough), 'line 1\r\nline 2\r\nline 3\r\n')
    await container.remove({ force: true })
  })
})
