import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { parseChallenges } from '../../../engine/registry/auth.ts'
import { freePort } from '../../helpers/free-port.ts'
import { hasRegistry } from '../../helpers/local-registry.ts'
import { configOf, dockerArchive, registryImage, sha256, tarOf } from '../images/archives.ts'
import { collect, TestImages } from '../images/image-engine.ts'
import { MockRegistry } from './mock-registry.ts'

const base = tarOf({ 'bin/sh': 'shell' })
const big = tarOf({ big: randomBytes(1 << 20) })
const CLEAN = { layers: 0, temporary: 0, blobs: 0, partial: 0 }

describe('pull() from a mock registry', () => {
  let test: TestImages
  let registry: MockRegistry
  beforeEach(async () => {
    registry = await MockRegistry.start()
    test = await TestImages.open()
  })
  afterEach(async () => {
    await test.close()
    await registry.close()
  })
  const pull = (name: string, options = {}, signal?: AbortSignal): ReturnType<typeof collect> =>
    collect(test.images.pull(`${registry.host}/${name}`, options, signal))
  const layerOf = (image: ReturnType<typeof registryImage>, index: number): string => {
    const { layers } = JSON.parse(image.manifest.toString()) as { layers: { digest: string }[] }
    return layers[index]?.digest ?? ''
  }

  it("tells each layer's progress in Docker's words", async () => {
    const image = registryImage({ layers: [base, big] })
    const digest = registry.add('app:1', image)
    const lines = await pull('app:1')
    const short = layerOf(image, 1).slice(7, 19)
    const states = lines.filter(({ id }) => id === short).map(({ status }) => status)
    assert.deepEqual(
      [...new Set(states)],
      [
        'Pulling fs layer',
        'Downloading',
        'Verifying Checksum',
        'Download complete',
        'Extracting',
        'Pull complete',
      ],
    )
    const last = lines.filter(({ status }) => status === 'Downloading').at(-1)
    assert.equal(last?.progressDetail?.current, last?.progressDetail?.total)
    assert.match(last?.progress ?? '', /^\[=+>\] +[\d.]+MB\/[\d.]+MB$/)
    const shown = `${registry.host}/app:1`
    assert.deepEqual(lines.slice(-2), [
      { status: `Digest: ${digest}` },
      { status: `Status: Downloaded newer image for ${shown}` },
    ])
    assert.deepEqual((await pull('app:1')).slice(1), [
      { status: 'Already exists', progressDetail: {}, id: layerOf(image, 0).slice(7, 19) },
      { status: 'Already exists', progressDetail: {}, id: short },
      { status: `Digest: ${digest}` },
      { status: `Status: Image is up to date for ${shown}` },
    ])
    assert.deepEqual((await test.images.inspect(shown)).RepoDigests, [
      `${registry.host}/app@${digest}`,
    ])
    assert.deepEqual(test.events[0], {
      type: 'image',
      action: 'pull',
      id: shown,
      name: `${registry.host}/app`,
    })
  })

  it('pulls every tag of a repository, page by page', async () => {
    const tags = ['1', '2', '3', 'latest', 'next']
    for (const tag of tags) registry.add(`app:${tag}`, registryImage({ layers: [base] }))
    await pull('app', { allTags: true })
    const [image] = await test.images.list()
    assert.deepEqual(
      image?.RepoTags,
      tags.map((tag) => `${registry.host}/app:${tag}`),
    )
    await assert.rejects(pull('app:1', { allTags: true }), { code: 'INVALID_PARAMETER' })
    await assert.rejects(pull('none', { allTags: true }), /has no tags at its registry/)
  })

  it('pulls by digest', async () => {
    const digest = registry.add('app:1', registryImage({ layers: [base] }))
    await pull(`app@${digest}`)
    const [image] = await test.images.list()
    assert.deepEqual(
      [image?.RepoTags, image?.RepoDigests],
      [[], [`${registry.host}/app@${digest}`]],
    )
    assert.equal((await test.images.resolve(`${registry.host}/app@${digest}`)).id, image?.Id)
  })

  it('gets a token without a login, with one, and says when it is refused', async () => {
    registry.add('app:1', registryImage({ layers: [base] }))
    registry.tokens = { asked: [] }
    await pull('app:1')
    const [asked] = registry.tokens.asked
    assert.equal(asked?.authorization, undefined)
    assert.deepEqual(
      [...(asked?.url.searchParams ?? [])],
      [
        ['service', 'mock'],
        ['scope', 'repository:x:pull'],
      ],
    )
    assert.equal(registry.tokens.asked.length, 1)

    registry.tokens = { user: 'me', password: 'secret', asked: [] }
    await assert.rejects(pull('app:1'), {
      code: 'NOT_FOUND',
      message:
        /^pull access denied for .*\/app, repository does not exist or may require 'docker login': unauthorized: authentication required$/,
    })
    await pull('app:1', { auth: { username: 'me', password: 'secret' } })
    assert.equal(registry.tokens.asked.at(-1)?.url.searchParams.get('account'), 'me')
    await assert.rejects(pull('app:1', { auth: { username: 'me', password: 'wrong' } }), {
      code: 'UNAUTHORIZED',
      message: 'unauthorized: incorrect username or password',
    })
  })

  it('goes on where a download broke off', async () => {
    const image = registryImage({ layers: [big] })
    registry.add('app:1', image)
    registry.cutAfter = 300_000
    registry.cuts = 2
    const lines = await pull('app:1')
    assert.equal(lines.filter(({ status }) => status?.startsWith('Retrying in')).length, 2)
    assert.equal(registry.blobRequests(layerOf(image, 0)), 3)
  })

  it('keeps what was downloaded when it is cancelled, and goes on from there after a restart', async () => {
    const image = registryImage({ layers: [big] })
    registry.add('app:1', image)
    registry.pace = 20
    const stop = new AbortController()
    await assert.rejects(async () => {
      for await (const { status, progressDetail } of test.images.pull(
        `${registry.host}/app:1`,
        {},
        stop.signal,
      )) {
        if (status === 'Downloading' && (progressDetail?.current ?? 0) > 200_000)
          stop.abort(new Error('enough'))
      }
    }, /enough/)
    assert.deepEqual(test.onDisk(), { ...CLEAN, partial: 1 })
    await test.reopen()
    registry.pace = 0
    const ranges: (string | undefined)[] = []
    registry.intercept = (request) => {
      if (request.url?.includes(layerOf(image, 0))) ranges.push(request.headers.range)
      return false
    }
    await pull('app:1')
    assert.ok(Number(/^bytes=(\d+)-$/.exec(ranges[0] ?? '')?.[1]) > 200_000)
    assert.equal(test.onDisk().partial, 0)
  })

  it('stops when nobody reads its progress any more', async () => {
    registry.add('app:1', registryImage({ layers: [big] }))
    registry.pace = 20
    for await (const { status } of test.images.pull(`${registry.host}/app:1`))
      if (status === 'Downloading') break
    assert.deepEqual(await test.images.list(), [])
    assert.equal(test.onDisk().layers, 0)
  })

  it('downloads and unpacks once what several pull at the same time, and goes on when one of them leaves', async () => {
    const one = registryImage({ layers: [base, big] })
    const two = registryImage({ layers: [base, big], labels: { second: '1' } })
    registry.add('one:1', one)
    registry.add('two:1', two)
    registry.pace = 10
    const stop = new AbortController()
    const leaving = pull('one:1', {}, stop.signal)
    const staying = [pull('two:1'), pull('one:1')]
    setTimeout(() => stop.abort(new Error('left')), 60)
    await assert.rejects(leaving, /left/)
    await Promise.all(staying)
    assert.equal(registry.blobRequests(layerOf(one, 1)), 1)
    assert.deepEqual(test.onDisk(), { layers: 2, temporary: 0, blobs: 6, partial: 0 })
  })

  it('chooses from an index by platform and passes attestations over', async () => {
    const amd64 = registryImage({ layers: [base], architecture: 'amd64' })
    const arm64 = registryImage({ layers: [big], architecture: 'arm64' })
    const entry = (image: typeof amd64, architecture: string, more = {}): object => ({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: registry.add('multi:x', image),
      size: image.manifest.length,
      platform: { os: 'linux', architecture },
      ...more,
    })
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          entry(arm64, 'unknown', {
            annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
          }),
          entry(arm64, 'arm64', {
            platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
          }),
          entry(amd64, 'amd64'),
        ],
      }),
    )
    const digest = registry.add(
      'multi:1',
      { manifest: index, blobs: new Map() },
      'application/vnd.oci.image.index.v1+json',
    )
    for (const [platform, image] of [
      ['linux/amd64', amd64],
      ['linux/arm64', arm64],
      ['aarch64', arm64],
    ] as const) {
      const lines = await pull('multi:1', { platform })
      assert.ok(lines.some(({ status }) => status === `Digest: ${digest}`))
      const { Descriptor, Id } = await test.images.inspect(`${registry.host}/multi:1`)
      const { config } = JSON.parse(image.manifest.toString()) as { config: { digest: string } }
      assert.deepEqual([Id, Descriptor?.digest], [config.digest, digest])
    }
    await assert.rejects(pull('multi:1', { platform: 'linux/s390x' }), {
      code: 'NOT_FOUND',
      message: 'no matching manifest for linux/s390x in the manifest list entries',
    })
    registry.add('single:1', amd64)
    await assert.rejects(pull('single:1', { platform: 'linux/arm64' }), {
      code: 'NOT_FOUND',
      message: /does not match the specified platform \(linux\/arm64\)/,
    })
    await assert.rejects(pull('single:1', { platform: 'a/b/c/d' }), { code: 'INVALID_PARAMETER' })
  })

  it('pulls layers that are not compressed, whatever their type says', async () => {
    const { blobs, manifest } = registryImage({ layers: [base, big] })
    const { config } = JSON.parse(manifest.toString()) as { config: { digest: string } }
    const plain = [base, big].map((content, index) => ({
      mediaType: `application/vnd.oci.image.layer.v1.tar${index === 0 ? '' : '+gzip'}`,
      digest: sha256(content),
      size: content.length,
    }))
    registry.add('plain:1', {
      manifest: Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: plain })),
      blobs: new Map([...blobs, [sha256(base), base], [sha256(big), big]]),
    })
    await pull('plain:1')
    const { Id, RootFS } = await test.images.inspect(`${registry.host}/plain:1`)
    assert.deepEqual([Id, RootFS?.Layers], [config.digest, plain.map(({ digest }) => digest)])
  })

  it('believes no content that its digest does not fit', async () => {
    const image = registryImage({ layers: [base] })
    registry.add('app:1', image)
    const layer = layerOf(image, 0)
    const bytes = Buffer.from(image.blobs.get(layer) ?? '')
    bytes[20] = (bytes[20] ?? 0) ^ 1
    registry.blobs.set(layer, bytes)
    await assert.rejects(pull('app:1'), {
      message: `filesystem layer verification failed for digest ${layer}`,
    })
    assert.deepEqual(test.onDisk(), CLEAN)

    const digest = sha256(image.manifest)
    registry.manifests.set(`app/manifests/${digest}`, { content: Buffer.from('{}'), mediaType: '' })
    await assert.rejects(pull(`app@${digest}`), {
      message: `manifest verification failed for digest ${digest}`,
    })
  })

  it('refuses a layer that is not what the config says, and what is no image', async () => {
    const image = registryImage({ layers: [base] })
    const lying = configOf({ layers: [big] })
    const manifest = JSON.parse(image.manifest.toString()) as {
      config: { digest: string; size: number }
    }
    manifest.config = { ...manifest.config, digest: sha256(lying), size: lying.length }
    registry.add('lie:1', {
      manifest: Buffer.from(JSON.stringify(manifest)),
      blobs: new Map([...image.blobs, [sha256(lying), lying]]),
    })
    await assert.rejects(pull('lie:1'), {
      code: 'INVALID_PARAMETER',
      message: /layers from manifest don't match image configuration/,
    })

    const chart = JSON.parse(image.manifest.toString()) as { layers: { mediaType: string }[] }
    if (chart.layers[0])
      chart.layers[0].mediaType = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'
    registry.add('chart:1', { manifest: Buffer.from(JSON.stringify(chart)), blobs: image.blobs })
    await assert.rejects(pull('chart:1'), {
      code: 'INVALID_PARAMETER',
      message: /not a container image/,
    })
    registry.add(
      'old:1',
      { manifest: Buffer.from('{"schemaVersion":1}'), blobs: new Map() },
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
    )
    await assert.rejects(pull('old:1'), { code: 'INVALID_PARAMETER', message: /schema 1/ })
    assert.deepEqual(test.onDisk(), CLEAN)
  })

  it('tries again what may pass, and passes on what does not', async () => {
    registry.add('app:1', registryImage({ layers: [base] }))
    let failures = 2
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/manifests/') || failures-- <= 0) return false
      registry.refuse(response, 503, 'UNAVAILABLE', 'busy')
      return true
    }
    await pull('app:1')
    registry.intercept = (_, response) => {
      registry.refuse(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.')
      return true
    }
    await assert.rejects(pull('app:1'), {
      code: 'UNAVAILABLE',
      message:
        'toomanyrequests: You have reached your pull rate limit; nobody is signed in to it: docker login may allow more',
    })
    registry.intercept = () => false
    await assert.rejects(pull('app:2'), {
      code: 'NOT_FOUND',
      message: `manifest for ${registry.host}/app:2 not found: manifest unknown: manifest unknown`,
    })
  })

  it('waits as long as Retry-After says, but not for an hour', async () => {
    const image = registryImage({ layers: [base] })
    registry.add('app:1', image)
    const [layer = ''] = [...image.blobs.keys()].slice(-1)
    const waits = new Map([
      ['/manifests/', ['1']],
      [`/blobs/${layer}`, ['0', '1']],
    ])
    registry.intercept = (request, response) => {
      const seconds = [...waits].find(([part]) => request.url?.includes(part))?.[1].shift()
      if (seconds === undefined) return false
      response.setHeader('retry-after', seconds)
      registry.refuse(response, 429, 'TOOMANYREQUESTS', 'slow down')
      return true
    }
    const began = performance.now()
    await pull('app:1')
    // 1 for the manifest; for the layer half a second where 0 is said, then 1
    assert.ok(performance.now() - began >= 2400)
    waits.set('/manifests/', ['3600'])
    const before = registry.requests.length
    await assert.rejects(
      pull('app:1'),
      /slow down; the registry asks to try again in 60 minutes; nobody/,
    )
    assert.equal(registry.requests.length, before + 1)
    registry.intercept = () => false
  })

  it('does not send credentials on to where it is redirected', async () => {
    const image = registryImage({ layers: [base] })
    registry.add('app:1', image)
    registry.tokens = { asked: [] }
    const elsewhere = await MockRegistry.start()
    for (const [digest, content] of image.blobs) elsewhere.blobs.set(digest, content)
    const seen: (string | undefined)[] = []
    elsewhere.intercept = (request) => {
      seen.push(request.headers.authorization)
      return false
    }
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/blobs/') || request.headers.authorization === undefined)
        return false
      response.writeHead(307, { location: `http://${elsewhere.host}${request.url}` }).end()
      return true
    }
    await pull('app:1')
    assert.deepEqual(seen, [undefined, undefined])
    await elsewhere.close()
  })

  it('tries the mirrors of docker.io before itself, without the login', async () => {
    registry.add('library/app:latest', registryImage({ layers: [base] }))
    const dead = await MockRegistry.start()
    const url = `http://${dead.host}`
    await dead.close()
    await test.close()
    test = await TestImages.open([url, `http://${registry.host}`])
    await collect(test.images.pull('app', { auth: { username: 'me', password: 'secret' } }))
    assert.deepEqual((await test.images.list())[0]?.RepoTags, ['app:latest'])
    registry.tokens = { user: 'me', password: 'secret', asked: [] }
    await assert.rejects(
      collect(test.images.pull('app', { auth: { username: 'me', password: 'secret' } })),
    )
    assert.ok(registry.tokens.asked.every(({ authorization }) => authorization === undefined))
  })

  it('tries the mirror of another registry before itself, and for that registry alone', async () => {
    registry.add('library/app:latest', registryImage({ layers: [base] }))
    const other = await MockRegistry.start()
    try {
      other.add('team/app:1', registryImage({ layers: [big] }))
      await test.close()
      test = await TestImages.open([`http://${registry.host}`, `quay.invalid=http://${other.host}`])
      await collect(test.images.pull('quay.invalid/team/app:1'))
      await collect(test.images.pull('app'))
      assert.deepEqual((await test.images.list()).flatMap(({ RepoTags }) => RepoTags).sort(), [
        'app:latest',
        'quay.invalid/team/app:1',
      ])
      await assert.rejects(collect(test.images.pull('ghcr.invalid/team/app:1')), {
        code: 'UNAVAILABLE',
      })
    } finally {
      await other.close()
    }
  })

  it('tags what was loaded before with the same content instead of fetching it', async () => {
    const image = registryImage({ layers: [base, big] })
    registry.add('app:1', image)
    await test.load(dockerArchive({ layers: [base, big], tags: ['loaded'] }))
    await pull('app:1')
    assert.equal(registry.blobRequests(layerOf(image, 1)), 0)
    assert.equal((await test.images.list()).length, 1)
    await test.reopen()
    await test.images.makeWritable('one', (await test.images.resolve('loaded')).id)
  })
})

describe(
  'pull() from docker-registry',
  { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
  () => {
    let scratch: string
    let host: string
    let server: ChildProcess
    let test: TestImages
    before(async () => {
      scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'g-reg'))
      host = `127.0.0.1:${String(freePort())}`
      // cost 4: the server checks it at each request
      const hash = execFileSync(
        'python3',
        [
          '-W',
          'ignore',
          '-c',
          'import crypt; print(crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))',
        ],
        { encoding: 'utf8' },
      )
      fs.writeFileSync(path.join(scratch, 'htpasswd'), `me:${hash}`)
      fs.writeFileSync(
        path.join(scratch, 'config.yml'),
        JSON.stringify({
          version: '0.1',
          log: { level: 'error' },
          storage: { filesystem: { rootdirectory: path.join(scratch, 'registry') } },
          http: { addr: host },
          auth: { htpasswd: { realm: 'test', path: path.join(scratch, 'htpasswd') } },
        }),
      )
      server = spawn('docker-registry', ['serve', path.join(scratch, 'config.yml')], {
        stdio: 'ignore',
      })
      await reachable(Number(host.split(':')[1]))
      fs.writeFileSync(
        path.join(scratch, 'image.tar'),
        dockerArchive({ layers: [base, big], tags: ['app:1'] }),
      )
      for (const [tag, ...options] of [
        ['oci', '--format=oci'],
        ['zstd', '--format=oci', '--dest-compress-format=zstd', '--dest-compress'],
        ['v2s2', '--format=v2s2'],
      ]) {
        execFileSync('skopeo', [
          '--insecure-policy',
          'copy',
          '-q',
          '--dest-tls-verify=false',
          '--dest-creds=me:secret',
          ...options,
          `docker-archive:${scratch}/image.tar`,
          `docker://${host}/team/app:${tag}`,
        ])
      }
      test = await TestImages.open()
    })
    after(async () => {
      await test.close()
      server.kill()
      await once(server, 'exit')
      fs.rmSync(scratch, { recursive: true, force: true })
    })

    const auth = { username: 'me', password: 'secret' }
    for (const tag of ['oci', 'zstd', 'v2s2']) {
      it(`pulls what skopeo pushed as ${tag}, with basic authentication`, async () => {
        await collect(test.images.pull(`${host}/team/app:${tag}`, { auth }))
        const image = await test.images.inspect(`${host}/team/app:${tag}`)
        assert.deepEqual(image.RootFS?.Layers, [sha256(base), sha256(big)])
        await test.images.remove(image.Id ?? '', { force: true })
        assert.deepEqual(test.onDisk(), CLEAN)
      })
    }

    it('says that access was denied', async () => {
      await assert.rejects(collect(test.images.pull(`${host}/team/app:oci`)), {
        code: 'NOT_FOUND',
        message: /^pull access denied for .*unauthorized: authentication required/,
      })
      await assert.rejects(collect(test.images.pull(`${host}/team/none`, { auth })), {
        code: 'NOT_FOUND',
        message: /manifest unknown/,
      })
    })
  },
)

describe('parseChallenges()', () => {
  it('reads several demands with quoted commas', () => {
    assert.deepEqual(
      parseChallenges(
        'Bearer realm="https://a/token",service="s",scope="repository:a:pull,push", Basic realm="x \\"y\\""',
      ),
      [
        {
          scheme: 'bearer',
          parameters: { realm: 'https://a/token', service: 's', scope: 'repository:a:pull,push' },
        },
        { scheme: 'basic', parameters: { realm: 'x "y"' } },
      ],
    )
    assert.deepEqual(parseChallenges(undefined), [])
  })
})

async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = net.connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('docker-registry does not start')
}
