import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import Docker from 'dockerode'
import { STATUS_RESPONSE } from '../../engine/buildkit/messages.ts'
import type { PathStat } from '../../engine/contract/containers.ts'
import { tarHeader } from '../../engine/tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../../engine/tar/write.ts'
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

  test('buildImage() sends a context, tells progress and makes an image', async () => {
    const tar = contextOf('FROM busybox\nARG W\nRUN echo hello $W\nCMD ["true"]\n')
    const lines = async (given: string): Promise<{ stream?: string; error?: string }[]> => {
      const answer = await docker.buildImage(Readable.from([tar]), {
        t: 'sdk:built',
        buildargs: { W: given },
      })
      return await new Promise((resolve, reject) => {
        docker.modem.followProgress(answer, (error: Error | null, told: { stream?: string }[]) => {
          if (error) reject(error)
          else resolve(told)
        })
      })
    }
    const said = (await lines('world')).map(({ stream = '' }) => stream).join('')
    assert.match(said, /Step 3\/4 : RUN echo hello \$W\nhello world\n/)
    const image = await docker.getImage('sdk:built').inspect()
    assert.deepEqual(image.Config.Cmd, ['true'])
    await docker.getImage('sdk:built').remove()
  })

  test('buildImage() by BuildKit, with or without a session, tells steps, what they print, and the image', async () => {
    const tar = contextOf('FROM busybox\nARG W\nRUN echo hello $W\n')
    for (const authconfig of [undefined, { username: 'u', password: 'p' }]) {
      const W = authconfig ? 'signed in' : 'nobody'
      const options = { t: 'sdk:kit', buildargs: { W }, version: '2' as const }
      const answer = await docker.buildImage(Readable.from([tar]), {
        ...options,
        ...(authconfig ? { authconfig } : {}),
      })
      const { image, printed, steps } = await buildkitAnswer(answer)
      assert.ok(steps.includes('[3/3] RUN echo hello $W'), steps.join('\n'))
      assert.match(printed, new RegExp(`hello ${W}\n`))
      assert.equal(image, (await docker.getImage('sdk:kit').inspect()).Id)
      await docker.getImage('sdk:kit').remove()
    }
  })

  test('buildImage() by BuildKit tells why a step failed, and refuses what it cannot do', async () => {
    const tar = contextOf('FROM busybox\nRUN echo before; exit 3\n')
    const answer = await docker.buildImage(Readable.from([tar]), { version: '2' })
    const { error, printed } = await buildkitAnswer(answer)
    assert.equal(printed, 'before\n')
    assert.match(error ?? '', /process "\/bin\/sh -c echo before; exit 3" .* exit code: 3/)
    await assert.rejects(
      docker.buildImage(Readable.from([tar]), { version: '2', networkmode: 'other' }),
      { statusCode: 400, message: /network mode "other" not supported by buildkit/ },
    )
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

  test('archives go in and out, whether the container runs or not', async () => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '600'] })
    const file = tarHeader({ type: 'file', name: 'note', size: 5, uid: 12, gid: 34, mode: 0o600 })
    const tar = Buffer.concat([encodeHeader(file), Buffer.from('hello'), tarPadding(5), TAR_END])
    for (const state of ['created', 'running']) {
      if (state === 'running') await container.start()
      await container.putArchive(tar, { path: '/tmp' })
      const info = (await container.infoArchive({ path: '/tmp/note' })) as unknown as {
        headers: Record<string, string>
      }
      const header = info.headers['x-docker-container-path-stat'] ?? ''
      const stat = JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat
      assert.deepEqual([stat.name, stat.size, stat.mode], ['note', 5, 0o600], state)
      const back = await container.getArchive({ path: '/tmp/note' })
      assert.match(await text(back as Readable), /^note\0.*hello/s, state)
    }
    assert.deepEqual(await container.changes(), [
      { Path: '/tmp', Kind: 0 },
      { Path: '/tmp/note', Kind: 1 },
    ])
    const exported = await container.export()
    assert.match(await text(exported as Readable), /tmp\/note\0.*hello/s)
    const { Id } = (await container.commit({ repo: 'noted', comment: 'by dockerode' })) as {
      Id: string
    }
    assert.equal((await docker.getImage('noted:latest').inspect()).Id, Id)
    await container.remove({ force: true })
    await docker.getImage('noted').remove()
  })
})

/** An archive with nothing but a Dockerfile in it. */
function contextOf(dockerfile: string): Buffer {
  const header = tarHeader({ type: 'file', name: 'Dockerfile', size: dockerfile.length })
  const padding = tarPadding(dockerfile.length)
  return Buffer.concat([encodeHeader(header), Buffer.from(dockerfile), padding, TAR_END])
}

interface BuildkitLine {
  id?: string
  aux?: string | { ID: string }
  error?: string
}

/** What a build by BuildKit answers: names of steps, what they printed, and the image or why there is none. */
async function buildkitAnswer(
  answer: NodeJS.ReadableStream,
): Promise<{ steps: string[]; printed: string; image?: string; error?: string }> {
  const lines = (await text(answer)).trim().split('\n')
  const told = lines.map((line) => JSON.parse(line) as BuildkitLine)
  const traces = told.flatMap(({ aux, id }) =>
    id === 'moby.buildkit.trace' && typeof aux === 'string'
      ? [STATUS_RESPONSE.decode(Buffer.from(aux, 'base64'))]
      : [],
  )
  const { aux, error } = told.at(-1) ?? {}
  return {
    steps: traces.flatMap(({ vertexes }) => vertexes.map(({ name }) => name ?? '')),
    printed: traces
      .flatMap(({ logs }) => logs.map(({ msg }) => Buffer.from(msg).toString()))
      .join(''),
    ...(typeof aux === 'object' ? { image: aux.ID } : {}),
    ...(error === undefined ? {} : { error }),
  }
}
