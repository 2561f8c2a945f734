import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import type { ImageProgress } from '../../../engine/contract/common.ts'
import { compressLayer } from '../../../engine/images/compress-layer.ts'
import { hasRegistry, LocalRegistry } from '../../helpers/local-registry.ts'
import { dockerArchive, registryImage, sha256, tarOf } from '../images/archives.ts'
import { collect, TestImages } from '../images/image-engine.ts'
import { MockRegistry } from './mock-registry.ts'

const exec = promisify(execFile)
const base = tarOf({ 'bin/sh': 'shell' })
const big = tarOf({ big: randomBytes(9 << 20) })

describe('push() to a mock registry', () => {
  let test: TestImages
  let registry: MockRegistry
  before(async () => {
    test = await TestImages.open()
  })
  after(() => test.close())
  beforeEach(async () => {
    registry = await MockRegistry.start()
  })
  afterEach(() => registry.close())
  const load = async (...names: string[]): Promise<void> => {
    const tags = names.map((name) => `${registry.host}/${name}`)
    await test.load(dockerArchive({ layers: [base, big], tags }))
  }
  const push = (name: string, options = {}, signal?: AbortSignal): Promise<ImageProgress[]> =>
    collect(test.images.push(`${registry.host}/${name}`, options, signal))
  const statesOf = (lines: ImageProgress[], layer: Buffer): string[] => [
    ...new Set(
      lines.filter(({ id }) => id === sha256(layer).slice(7, 19)).map(({ status = '' }) => status),
    ),
  ]
  const patches = (): number => registry.log.filter((line) => line.startsWith('PATCH')).length

  it('compresses what was made here once, and says so and the rest in Docker’s words', async () => {
    await load('app:1')
    const lines = await push('app:1')
    assert.deepEqual(lines[0], { status: `The push refers to repository [${registry.host}/app]` })
    assert.deepEqual(statesOf(lines, big), ['Preparing', 'Compressing', 'Pushing', 'Pushed'])
    const manifest = registry.manifests.get('app/manifests/1')?.content ?? Buffer.alloc(0)
    const digest = sha256(manifest)
    assert.deepEqual(lines.slice(-2), [
      { status: `1: digest: ${digest} size: ${manifest.length}` },
      { progressDetail: {}, aux: { Tag: '1', Digest: digest, Size: manifest.length } },
    ])
    const { layers } = JSON.parse(manifest.toString()) as { layers: { digest: string }[] }
    const sent = layers.map((layer) => registry.blobs.get(layer.digest) ?? Buffer.alloc(0))
    assert.deepEqual(
      sent.map((blob) => sha256(gunzipSync(blob))),
      [base, big].map(sha256),
    )

    const shown = `${registry.host}/app`
    assert.deepEqual((await test.images.inspect(`${shown}:1`)).RepoDigests, [`${shown}@${digest}`])
    assert.equal(test.events.at(-1)?.action, 'push')
    // the plain archives have gone: config, manifest and two compressed layers are left
    assert.equal(test.onDisk().blobs, 4)

    await test.reopen()
    const again = await push('app:1')
    assert.deepEqual(statesOf(again, big), ['Preparing', 'Layer already exists'])
    assert.equal(again.at(-1)?.aux?.Digest, digest)
  })

  it('sends an image back as it was pulled', async () => {
    const digest = registry.add(
      'from:1',
      registryImage({ layers: [tarOf({ other: 'base' }), tarOf({ other: 'top' })] }),
    )
    await collect(test.images.pull(`${registry.host}/from:1`))
    await test.images.tag(`${registry.host}/from:1`, `${registry.host}/to`, '2')
    const lines = await push('to:2')
    assert.equal(lines.at(-1)?.aux?.Digest, digest)
    assert.deepEqual(
      registry.manifests.get('to/manifests/2')?.content,
      registry.manifests.get('from/manifests/1')?.content,
    )
  })

  it('pushes all tags, and mounts what a neighbour has', async () => {
    await load('app:1', 'app:2', 'other:1')
    const lines = await push('app')
    assert.deepEqual(
      lines.flatMap(({ aux }) => (aux?.Tag === undefined ? [] : [aux.Tag])),
      ['1', '2'],
    )
    const before = patches()
    assert.deepEqual(statesOf(await push('other:1'), big), ['Preparing', 'Mounted from app'])
    assert.equal(patches(), before)
  })

  it('goes on with an upload that broke off', async () => {
    await load('app:1')
    registry.breakUploadAfter = 4 << 20
    registry.breaks = 1
    const sent: number[] = []
    registry.intercept = (request) => {
      if (request.method === 'PATCH') sent.push(Number(request.headers['content-length']))
      return false
    }
    const lines = await push('app:1')
    assert.ok(statesOf(lines, big).includes('Retrying in 1 second'))
    const [first = 0, second = first] = sent
    assert.ok(second > 0 && second <= first - (4 << 20), `${first} bytes, then ${second}`)
    assert.ok(lines.at(-1)?.aux?.Digest)
  })

  it('goes on with it also when the registry was away for a while, as when it is started again', async () => {
    await load('app:1')
    registry.breakUploadAfter = 4 << 20
    registry.breaks = 1
    const sent: number[] = []
    let away = 2
    registry.intercept = (request, response) => {
      if (request.method === 'PATCH') sent.push(Number(request.headers['content-length']))
      if (sent.length === 0 || away === 0 || request.method !== 'GET') return false
      if (--away === 0) response.writeHead(503).end()
      else request.destroy()
      return true
    }
    await push('app:1')
    const [first = 0, second = first] = sent
    assert.ok(second > 0 && second <= first - (4 << 20), `${first} bytes, then ${second}`)
  })

  it('begins a new upload when the registry tells the wrong offset, or lost the old one', async () => {
    await load('app:1')
    registry.breakUploadAfter = 1 << 20
    registry.breaks = 1
    registry.offsetError = -1000
    assert.ok((await push('app:1')).at(-1)?.aux?.Digest)
  })

  it('tries again after 5xx and after 429 with Retry-After, and gives up with the registry’s words', async () => {
    await load('app:1')
    let refusals = 2
    registry.intercept = (request, response) => {
      if (request.method !== 'PUT' || refusals === 0) return false
      request.resume()
      if (--refusals === 0) response.setHeader('retry-after', '1')
      registry.refuse(response, refusals === 0 ? 429 : 503, 'TOOMANYREQUESTS', 'slow down')
      return true
    }
    assert.ok((await push('app:1')).at(-1)?.aux?.Digest)

    registry.intercept = (request, response) => {
      if (request.method !== 'PUT') return false
      request.resume()
      response.setHeader('retry-after', '3600')
      registry.refuse(response, 429, 'TOOMANYREQUESTS', 'slow down.')
      return true
    }
    await assert.rejects(push('app:1'), {
      message:
        'toomanyrequests: slow down; the registry asks to try again in 60 minutes; nobody is signed in to it: docker login may allow more',
    })
  })

  it('sends the first layer before others are compressed, and compresses none for a registry that refuses', async () => {
    const first = tarOf({ first: randomBytes(1 << 10) })
    const layers = [
      first,
      ...Array.from({ length: 20 }, () => tarOf({ big: randomBytes(6 << 20) })),
    ]
    await test.load(dockerArchive({ layers, tags: [`${registry.host}/app:many`] }))
    const lines: ImageProgress[] = []
    registry.intercept = (request, response) => {
      if (request.method !== 'POST') return false
      registry.refuse(response, 403, 'DENIED', 'not for you')
      return true
    }
    await assert.rejects(async () => {
      for await (const line of test.images.push(`${registry.host}/app:many`)) lines.push(line)
    }, /not for you/)
    assert.deepEqual(statesOf(lines, first), ['Preparing', 'Compressing'])
    assert.deepEqual(statesOf(lines, layers.at(-1) ?? first), ['Preparing'])

    registry.intercept = () => false
    assert.ok((await push('app:many')).at(-1)?.aux?.Digest)
  })

  it('does not take a registry at its word that stores something else', async () => {
    await load('app:1')
    registry.intercept = (request, response) => {
      if (request.method !== 'PUT' || !(request.url ?? '').includes('/manifests/')) return false
      request.resume()
      response.writeHead(201, { 'docker-content-digest': sha256(base) }).end()
      return true
    }
    await assert.rejects(push('app:1'), { message: /the registry stored manifest .* as sha256:/ })
    const { RepoDigests } = await test.images.inspect(`${registry.host}/app:1`)
    assert.ok(!RepoDigests?.some((name) => name.startsWith(registry.host)))
  })

  it('asks for a token to push and to read the neighbours', async () => {
    await load('app:1', 'other:1')
    registry.tokens = { user: 'me', password: 'secret', asked: [] }
    const auth = { username: 'me', password: 'secret' }
    await push('app:1', { auth })
    await push('other:1', { auth })
    assert.deepEqual(registry.tokens.asked.at(-1)?.url.searchParams.getAll('scope'), [
      'repository:other:pull,push',
      'repository:app:pull',
    ])
    await assert.rejects(push('app:1'), { code: 'UNAUTHORIZED' })
  })

  it('says that one has to sign in, also where a refusal has no words', async () => {
    await load('app:1')
    let status = 401
    // as of a registry that asks for a password with each request; an answer to HEAD has no body
    registry.intercept = (request, response) => {
      if (request.url === '/v2/') return false
      response.writeHead(status, { 'www-authenticate': 'Basic realm="here"' }).end()
      return true
    }
    const unauthorized = { code: 'UNAUTHORIZED', message: /unauthorized: authentication required$/ }
    await assert.rejects(push('app:1'), unauthorized)
    status = 403
    const denied = { message: /denied: requested access to the resource is denied$/ }
    await assert.rejects(push('app:1'), denied)
  })

  it('says what is not there to be pushed', async () => {
    await assert.rejects(push('none:1'), {
      message: `An image does not exist locally with the tag: ${registry.host}/none`,
    })
    await load('app:1')
    await assert.rejects(push('app:9'), { message: `tag does not exist: ${registry.host}/app:9` })
    await assert.rejects(push('app:1', { platform: 'linux/s390x' }), { code: 'NOT_FOUND' })
  })

  it('goes on when its image is removed, which stays removed', async () => {
    await test.load(
      dockerArchive({ layers: [tarOf({ its: 'own' })], tags: [`${registry.host}/app:gone`] }),
    )
    const { Id = '' } = await test.images.inspect(`${registry.host}/app:gone`)
    let removed: Promise<unknown> | undefined
    const lines: ImageProgress[] = []
    for await (const line of test.images.push(`${registry.host}/app:gone`)) {
      lines.push(line)
      removed ??= test.images.remove(Id, { force: true })
      await removed
    }
    assert.ok(lines.at(-1)?.aux?.Digest)
    assert.ok(registry.manifests.has('app/manifests/gone'))
    await assert.rejects(test.images.inspect(Id), { code: 'NOT_FOUND' })
  })

  it('keeps the layer that two compress of which the first is cancelled', async () => {
    const layer = tarOf({ shared: randomBytes(4 << 20) })
    await test.load(dockerArchive({ layers: [layer], tags: [`${registry.host}/app:twice`] }))
    const { Id = '' } = await test.images.inspect(`${registry.host}/app:twice`)
    const { store } = test.images
    const [top] = store.get(Id)?.document.layers ?? []
    assert.ok(top)
    const stop = new AbortController()
    const first = store.leased((lease) =>
      compressLayer(store, top, lease, () => stop.abort(new Error('enough')), stop.signal),
    )
    const rejected = assert.rejects(first, /enough/)
    const discard = store.blobs.discard.bind(store.blobs)
    store.blobs.discard = async (file) => {
      // the first has gone, and another cleans up
      await rejected
      await store.collect()
      await discard(file)
    }
    try {
      await store.leased(async (lease) => {
        const made = await compressLayer(
          store,
          top,
          lease,
          () => undefined,
          new AbortController().signal,
        )
        assert.ok(fs.existsSync(store.blobs.pathOf(made.digest)))
      })
    } finally {
      store.blobs.discard = discard
    }
    await rejected
  })

  it('stops when it is cancelled, and leaves nothing half made', async () => {
    await load('app:1')
    const stop = new AbortController()
    registry.intercept = (request) => {
      if (request.method === 'PATCH') stop.abort(new Error('enough'))
      return false
    }
    await assert.rejects(push('app:1', {}, stop.signal), /enough/)
    registry.intercept = () => false
    assert.equal(test.onDisk().partial, 0)
    assert.ok((await push('app:1')).at(-1)?.aux?.Digest)
  })
})

describe(
  'push() to docker-registry',
  { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
  () => {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-push'))
    let test: TestImages
    let registry: LocalRegistry
    before(async () => {
      const htpasswd = path.join(scratch, 'htpasswd')
      // the password is "secret"; cost 4, because the server checks it at each request
      fs.writeFileSync(
        htpasswd,
        'me:$2b$04$gFkeTufxrviM.5cmB6Q08.s4XilwkgqfZk4ZFPqThJ0O3eL1syQ6O\n',
      )
      registry = await LocalRegistry.start(scratch, { htpasswd })
      test = await TestImages.open()
    })
    after(async () => {
      await test.close()
      await registry.close()
      fs.rmSync(scratch, { recursive: true, force: true })
    })

    it('lets skopeo and another engine have the image, with the same digests', async () => {
      const name = `${registry.host}/team/app:1`
      const auth = { username: 'me', password: 'secret' }
      await test.load(dockerArchive({ layers: [base, big], tags: [name] }))
      const { Id } = await test.images.inspect(name)
      await assert.rejects(collect(test.images.push(name)), { code: 'UNAUTHORIZED' })
      const lines = await collect(test.images.push(name, { auth }))
      const digest = lines.at(-1)?.aux?.Digest ?? ''
      const { stdout } = await exec('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--creds=me:secret',
        `docker://${name}`,
      ])
      assert.equal((JSON.parse(stdout) as { Digest: string }).Digest, digest)

      const other = await TestImages.open()
      try {
        await collect(other.images.pull(name, { auth }))
        assert.equal((await other.images.inspect(name)).Id, Id)
        const saved = await buffer(await other.images.save([name]))
        assert.ok(saved.includes(Buffer.from(digest)))
      } finally {
        await other.close()
      }
    })
  },
)
