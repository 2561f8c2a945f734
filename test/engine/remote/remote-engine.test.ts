import assert from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Engine } from '../../../engine/contract.ts'
import type { BuildContext, BuildRequest } from '../../../engine/contract/builds.ts'
import { ConflictError, NotModifiedError } from '../../../engine/errors.ts'
import { openRemoteEngine } from '../../../engine/remote/remote-engine.ts'
import { openDoor } from '../api/door.ts'

/** The remote engine over our own API over the few methods given: what goes in at one end comes out at the other. */
async function overDoor(t: TestContext, parts: Parameters<typeof openDoor>[1]): Promise<Engine> {
  const door = await openDoor(t, parts)
  const engine = await openRemoteEngine({ url: `unix://${door.socketPath}` })
  t.after(() => engine.close())
  return engine
}

/** Any HTTP server, to play a broken or an old endpoint. */
async function overServer(t: TestContext, handle: http.RequestListener): Promise<string> {
  const server = http.createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

const inspectOf = (tty: boolean) => () => Promise.resolve({ Config: { Tty: tty } })

describe('openRemoteEngine', () => {
  it('says plainly when nobody answers, or nobody who speaks Docker', async (t) => {
    await assert.rejects(openRemoteEngine({ url: 'unix:///nowhere/docker.sock' }), {
      code: 'UNAVAILABLE',
      message: 'Cannot connect to the Docker API at unix:///nowhere/docker.sock: ENOENT',
    })
    for (const url of ['ssh://host', 'unix://relative', 'http://a b', '']) {
      await assert.rejects(openRemoteEngine({ url }), { code: 'INVALID_PARAMETER' })
    }
    const page = await overServer(t, (_request, response) => response.end('<html>'))
    await assert.rejects(openRemoteEngine({ url: page }), /not as a Docker API endpoint/)
    const ancient = await overServer(t, (_request, response) => {
      response.setHeader('Api-Version', '1.12')
      response.end()
    })
    await assert.rejects(
      openRemoteEngine({ url: ancient }),
      /speaks API version 1.12; at least 1.24 is needed/,
    )
  })

  it('brings errors back as what they were', async (t) => {
    const engine = await overDoor(t, {
      containers: {
        start: () => Promise.reject(new NotModifiedError('runs')),
        remove: () => Promise.reject(new ConflictError('it runs')),
      },
    })
    await assert.rejects(engine.containers.start('x'), { code: 'NOT_MODIFIED' })
    await assert.rejects(engine.containers.remove('x'), { code: 'CONFLICT', message: 'it runs' })
    await assert.rejects(engine.execs.attach('x'), { code: 'NOT_IMPLEMENTED' })
  })

  it('tells of broken JSON and of a connection that breaks', async (t) => {
    const url = await overServer(t, (request, response) => {
      response.setHeader('Api-Version', '1.41')
      if (request.url?.endsWith('/info') === true) response.end('{"ID":')
      else if (request.url?.includes('/events') === true)
        response.end('{"Action":"start"}\n{broken\n')
      else if (request.url?.endsWith('/version') === true) response.destroy()
      else response.end('OK')
    })
    const engine = await openRemoteEngine({ url })
    t.after(() => engine.close())
    await assert.rejects(engine.system.info(), { code: 'SYSTEM', message: /broken JSON/ })
    await assert.rejects(engine.system.version(), { code: 'UNAVAILABLE' })
    const actions: (string | undefined)[] = []
    await assert.rejects(
      async () => {
        for await (const event of engine.system.events()) actions.push(event.Action)
      },
      { code: 'SYSTEM', message: /broken JSON/ },
    )
    assert.deepEqual(actions, ['start'])
  })

  it('carries options through and back unchanged', async (t) => {
    const seen: unknown[] = []
    const engine = await overDoor(t, {
      containers: {
        list: (options) => {
          seen.push(options)
          return Promise.resolve([{ Id: 'a' }])
        },
        stop: (id, options) => {
          seen.push([id, options])
          return Promise.resolve()
        },
      },
    })
    const options = {
      all: true,
      limit: 2,
      size: true,
      filters: { label: ['a=b c&d'], name: ['x'] },
    }
    assert.deepEqual(await engine.containers.list(options), [{ Id: 'a' }])
    await engine.containers.stop('we/ird id', { timeout: -1, signal: 'SIGINT' })
    assert.deepEqual(seen, [options, ['we/ird id', { timeout: -1, signal: 'SIGINT' }]])
  })

  it('joins both directions of an attach, and ends stdin alone', async (t) => {
    const stream = new PassThrough()
    const engine = await overDoor(t, {
      containers: {
        inspect: inspectOf(true),
        attach: () => Promise.resolve({ stream, tty: true }),
      },
    })
    const attached = await engine.containers.attach('x', {
      stdin: true,
      stdout: true,
      stream: true,
    })
    assert.equal(attached.tty, true)
    attached.stream.end('there and back')
    assert.equal(await text(attached.stream), 'there and back')
  })

  it('ends streams quietly at the signal', async (t) => {
    const engine = await overDoor(t, {
      containers: {
        inspect: inspectOf(false),
        logs: () => Promise.resolve({ stream: new PassThrough({}), tty: false }),
      },
      system: {
        async *events(_options, signal) {
          yield { Action: 'start' }
          await new Promise((resolve) => signal?.addEventListener('abort', resolve))
        },
      },
    })
    const abort = new AbortController()
    const actions: (string | undefined)[] = []
    for await (const event of engine.system.events({}, abort.signal)) {
      actions.push(event.Action)
      setTimeout(() => abort.abort(), 10)
    }
    assert.deepEqual(actions, ['start'])
    const second = new AbortController()
    const { stream } = await engine.containers.logs(
      'x',
      { stdout: true, follow: true },
      second.signal,
    )
    setTimeout(() => second.abort(), 10)
    await new Promise((resolve, reject) => stream.resume().on('close', resolve).on('error', reject))
  })

  it('throws what a progress line tells, and uploads as a stream', async (t) => {
    const engine = await overDoor(t, {
      images: {
        async *load(tar) {
          yield { stream: `read ${String((await text(tar)).length)}` }
          throw new Error('no image in it')
        },
      },
    })
    const lines: unknown[] = []
    await assert.rejects(
      async () => {
        for await (const line of engine.images.load(Readable.from(['abc', 'def']))) lines.push(line)
      },
      { message: 'no image in it' },
    )
    assert.deepEqual(lines, [{ stream: 'read 6' }])
  })
  it('sends a Dockerfile without a context as an archive of that, and refuses what has no place by name', async (t) => {
    const seen: string[] = []
    const url = await overServer(t, (request, response) => {
      if (request.method !== 'POST') {
        response.setHeader('Api-Version', '1.43')
        response.end('{}')
        return
      }
      void text(request).then((tar) => {
        const config = String(request.headers['x-registry-config'] ?? '')
        seen.push(request.url ?? '', tar, Buffer.from(config, 'base64url').toString())
        response.end(`{"aux":{"ID":"sha256:${'1'.repeat(64)}"}}\n`)
      })
    })
    const engine = await openRemoteEngine({ url })
    t.after(() => engine.close())
    const build = async (
      context: BuildContext,
      more: Partial<BuildRequest> = {},
    ): Promise<void> => {
      for await (const _event of engine.builds.build({ context, ...more })) void _event
    }
    await build({ empty: true, dockerfile: 'FROM scratch\n' }, { dockerfile: 'Other' })
    assert.match(seen[0] ?? '', /^\/v1\.43\/build\?rm=1&forcerm=1$/)
    assert.match(seen[1] ?? '', /^Dockerfile\0.*FROM scratch\n\0/s)
    assert.equal(seen.at(-1), '')
    const asked: string[] = []
    const dockerfile =
      'ARG D=d.test\nFROM --platform=linux/amd64 a.test/base AS one\nfrom $X\nFROM $D/base\nCOPY --from=b.test:5000/c /x /\nCOPY --from=one / /\n'
    await build(
      { empty: true, dockerfile },
      {
        tags: ['c.test/app:1'],
        auth: { 'a.test': { username: 'given' } },
        credentials: (registry) => {
          asked.push(registry)
          const username = registry.startsWith('b') || registry === 'docker.io' ? 'stored' : ''
          return Promise.resolve(username === '' ? undefined : { username })
        },
      },
    )
    // it cannot be asked while it builds
    assert.deepEqual(asked, ['docker.io', 'c.test', 'd.test', 'b.test:5000'])
    assert.deepEqual(JSON.parse(seen.at(-1) ?? ''), {
      'a.test': { username: 'given' },
      'https://index.docker.io/v1/': { username: 'stored' },
      'b.test:5000': { username: 'stored' },
    })
    await assert.rejects(build({ tar: Readable.from([]), dockerfile: 'FROM scratch' }), {
      code: 'NOT_IMPLEMENTED',
      message: /takes its Dockerfile from the context/,
    })
    await assert.rejects(build({ empty: true }, { noCacheFilter: ['a'] }), {
      code: 'NOT_IMPLEMENTED',
      message: /stages without cache/,
    })
    await assert.rejects(engine.registry.repositories(), {
      code: 'NOT_IMPLEMENTED',
      message: /use its registry's own address/,
    })
  })

  it('tells what a name stands for at a registry, and in words what it cannot tell of registries', async (t) => {
    const asked: unknown[] = []
    const digest = `sha256:${'1'.repeat(64)}`
    const { distribution } = await overDoor(t, {
      images: {
        distribution: async (name, options) => {
          asked.push([name, options?.auth])
          return {
            Descriptor: { mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 7 },
            Platforms: [
              { os: 'linux', architecture: 'arm64', variant: 'v8' },
              { os: 'linux', architecture: 'amd64' },
            ],
          }
        },
      },
    })
    const repository = { host: 'box:5000', name: 'team/app' }
    const auth = { username: 'ann' }
    assert.deepEqual(await distribution.describe(repository, '1.2', { auth }), {
      digest,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      kind: 'index',
      platforms: ['linux/arm64/v8', 'linux/amd64'],
      platform: 'linux/arm64/v8',
      size: null,
      created: null,
    })
    await distribution.describe(repository, digest)
    assert.deepEqual(
      asked.map((call) => (call as unknown[])[0]),
      ['box:5000/team/app:1.2', `box:5000/team/app@${digest}`],
    )
    assert.deepEqual((asked[0] as unknown[])[1], auth)
    await assert.rejects(distribution.tags(repository), {
      code: 'NOT_IMPLEMENTED',
      message: /does not list the tags of repositories: its Docker API has no call for it/,
    })
  })
})
