import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'
import { buildx, contextOf, stepsOf } from './contexts.ts'
import type { Files } from './contexts.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { givePlugins, whyNoPlugin } from './plugins.ts'

const skip = (await whyNot()) || whyNoPlugin('docker-buildx')

/** Two stages, a step that writes nothing, and one that says when it ran. */
const FILES: Files = {
  Dockerfile: [
    'FROM BASE AS made',
    'COPY src /src',
    'RUN date +%s%N > /when && cat /src/a > /made',
    'FROM BASE',
    'WORKDIR /w',
    'RUN true',
    'COPY --from=made /made /when ./',
    'RUN cat made && date +%s%N > /later',
  ].join('\n'),
  'src/a': 'content',
}
const STEPS = [
  'COPY src /src',
  'RUN date +%s%N > /when && cat /src/a > /made',
  'WORKDIR /w',
  'RUN true',
  'COPY --from=made /made /when ./',
  'RUN cat made && date +%s%N > /later',
]

describe('caches of builds', { skip }, () => {
  let maker: Cli
  let registry: LocalRegistry | undefined
  let scratch: string
  before(async () => {
    maker = await openCli()
    givePlugins(maker)
    scratch = path.join(maker.dir, 'scratch')
    fs.mkdirSync(scratch)
    await maker.ok('save', '-o', path.join(scratch, 'base.tar'), maker.image)
    if (hasRegistry) registry = await LocalRegistry.start(scratch)
  })
  after(async () => {
    await registry?.close()
    await maker.close()
  })

  /** A new engine that has nothing but the same base. */
  async function elsewhere(work: (taker: Cli) => Promise<void>): Promise<void> {
    const taker = await openCli()
    try {
      givePlugins(taker)
      await taker.ok('load', '-i', path.join(scratch, 'base.tar'))
      await work(taker)
    } finally {
      await taker.close()
    }
  }

  async function exported(...args: string[]): Promise<string> {
    const { code, stderr } = await buildx(maker, contextOf(maker, FILES), '-t', 'made', ...args)
    assert.equal(code, 0, stderr)
    return maker.ok('run', '--rm', 'made', 'sh', '-c', 'cat /w/when /later')
  }

  /** Builds with a cache of another engine: no step is done again, and the image is the same. */
  async function taken(taker: Cli, when: string, ...args: string[]): Promise<void> {
    const { code, stderr } = await buildx(taker, contextOf(taker, FILES), '-t', 'taken', ...args)
    assert.equal(code, 0, stderr)
    const { cached } = stepsOf(stderr)
    assert.deepEqual(
      STEPS.filter((step) => !cached.includes(step)),
      [],
      stderr,
    )
    assert.equal(await taker.ok('run', '--rm', 'taken', 'sh', '-c', 'cat /w/when /later'), when)
  }

  it('go to a directory of the client and come from it', async () => {
    const dir = path.join(scratch, 'cache')
    const when = await exported('--cache-to', `type=local,dest=${dir},mode=max`)
    const { manifests } = JSON.parse(fs.readFileSync(path.join(dir, 'index.json'), 'utf8')) as {
      manifests: { digest: string }[]
    }
    assert.equal(manifests.length, 1)
    const blobs = fs.readdirSync(path.join(dir, 'blobs', 'sha256'))
    await elsewhere(async (taker) => {
      await taken(taker, when, '--cache-from', `type=local,src=${dir}`)
      // what came is kept: the cache is not needed again
      await taken(taker, when)
    })
    // nothing is left half written
    await exported('--cache-to', `type=local,dest=${dir},mode=max`)
    assert.deepEqual(fs.readdirSync(path.join(dir, 'blobs', 'sha256')), blobs)
    assert.deepEqual(fs.readdirSync(path.join(dir, 'ingest')), [])
  })

  it(
    'go to a registry and come from it, as manifest and as index',
    { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
    async () => {
      for (const [name, more] of [
        ['manifest', ''],
        ['index', ',image-manifest=false,compression=uncompressed'],
      ] as const) {
        const ref = `${registry?.host ?? ''}/cache/${name}:1`
        const when = await exported('--cache-to', `type=registry,ref=${ref},mode=max${more}`)
        await elsewhere((taker) => taken(taker, when, '--cache-from', `type=registry,ref=${ref}`))
      }
    },
  )

  it(
    'hold only the steps of the image in mode min',
    { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
    async () => {
      const ref = `${registry?.host ?? ''}/cache/min:1`
      await exported('--cache-to', `type=registry,ref=${ref}`)
      await elsewhere(async (taker) => {
        const { stderr } = await buildx(taker, contextOf(taker, FILES), '--cache-from', ref)
        const { cached } = stepsOf(stderr)
        assert.ok(cached.includes('RUN true') && !cached.includes('COPY src /src'), stderr)
      })
    },
  )

  it(
    'are in every image that was pushed, of which no layer is pulled that is not needed',
    { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
    async () => {
      const ref = `${registry?.host ?? ''}/cache/inline:1`
      const files = {
        Dockerfile: 'FROM BASE\nCOPY a /\nRUN date +%N > /when\nRUN date +%N > /x',
        a: 'a',
      }
      const built = await buildx(
        maker,
        contextOf(maker, files),
        '-t',
        ref,
        '--push',
        '--cache-to',
        'type=inline',
      )
      assert.equal(built.code, 0, built.stderr)
      await elsewhere(async (taker) => {
        const again = { ...files, Dockerfile: files.Dockerfile.replace('/x', '/y') }
        const { code, stderr } = await buildx(
          taker,
          contextOf(taker, again),
          '--cache-from',
          ref,
          '-t',
          'again',
        )
        assert.equal(code, 0, stderr)
        const { cached } = stepsOf(stderr)
        assert.deepEqual(
          ['COPY a /', 'RUN date +%N > /when', 'RUN date +%N > /y'].map((step) =>
            cached.includes(step),
          ),
          [true, true, false],
          stderr,
        )
        const when = await maker.ok('run', '--rm', ref, 'cat', '/when')
        assert.equal(await taker.ok('run', '--rm', 'again', 'cat', '/when'), when)
      })
    },
  )

  it(
    'hold the steps of every platform of a build',
    { skip: !hasRegistry && 'docker-registry and skopeo are not installed' },
    async () => {
      const files = {
        Dockerfile: 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /$TARGETARCH\nWORKDIR /w',
        ...{ amd64: 'amd64', s390x: 's390x' },
      }
      const platforms = ['--platform', 'linux/amd64,linux/s390x']
      const dir = path.join(scratch, 'platforms')
      const ref = `${registry?.host ?? ''}/cache/platforms:1`
      for (const [to, from] of [
        [`type=local,dest=${dir}`, `type=local,src=${dir}`],
        [`type=registry,ref=${ref}`, `type=registry,ref=${ref}`],
      ] as const) {
        const args = [...platforms, '--cache-to', to, '--no-cache']
        const made = await buildx(maker, contextOf(maker, files), ...args)
        assert.equal(made.code, 0, made.stderr)
        await elsewhere(async (taker) => {
          const again = await buildx(
            taker,
            contextOf(taker, files),
            ...platforms,
            '--cache-from',
            from,
          )
          assert.equal(again.code, 0, again.stderr)
          const { done } = stepsOf(again.stderr)
          assert.deepEqual(
            done.filter((step) => /^(COPY|WORKDIR)/.test(step)),
            [],
            again.stderr,
          )
        })
      }
    },
  )

  it('that cannot be read are a warning, those that cannot be written fail the build unless they may', async () => {
    const dir = contextOf(maker, { Dockerfile: 'FROM BASE\nRUN true' })
    const read = await buildx(maker, dir, '--cache-from', '127.0.0.1:9/none:1')
    assert.equal(read.code, 0, read.stderr)
    assert.match(read.stderr, /--cache-from 127\.0\.0\.1:9\/none:1: /)
    const to = 'type=registry,ref=127.0.0.1:9/none:1'
    const written = await buildx(maker, dir, '--cache-to', to)
    assert.equal(written.code, 1, written.stderr)
    assert.equal((await buildx(maker, dir, '--cache-to', `${to},ignore-error=true`)).code, 0)
    const unknown = await buildx(
      maker,
      dir,
      '--cache-to',
      'type=azblob,account_url=http://x,name=y',
    )
    assert.match(unknown.stderr, /cache exports of type azblob are not supported here/)
  })
})
