import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { hasRegistry, LocalRegistry } from '../helpers/local-registry.ts'
import { isOnPath } from '../helpers/on-path.ts'
import { openCli, whyNot } from './harness.ts'
import type { Cli } from './harness.ts'
import { get } from './http.ts'

const exec = promisify(execFile)

describe('docker save and load', { skip: await whyNot() }, () => {
  let cli: Cli
  let archive: string
  const one = (): string => `${cli.prefix}/one:1`
  const two = (): string => `${cli.prefix}/two:2`
  const idOf = (name: string): Promise<string> => cli.ok('image', 'inspect', '-f', '{{.Id}}', name)

  before(async () => {
    cli = await openCli()
    archive = path.join(cli.dir, 'saved.tar')
    const made = `${cli.prefix}-made`
    await cli.ok('run', '--name', made, cli.image, 'sh', '-c', 'echo made > /made; rm /bin/vi')
    await cli.ok('commit', '--change', 'CMD ["cat","/made"]', made, one())
    await cli.ok('rm', made)
    await cli.ok('tag', one(), two())
    await cli.ok('tag', one(), `${cli.prefix}/two:3`)
    await cli.ok('save', '-o', archive, cli.image, one(), two())
  })
  after(() => cli.close())

  const content = (file: string, name: string): unknown =>
    JSON.parse(execFileSync('tar', ['-xOf', file, name], { encoding: 'utf8' }))

  it('writes one archive of several images, every blob once and whole', async () => {
    const members = execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }).trim().split('\n')
    assert.equal(new Set(members).size, members.length)
    const entries = content(archive, 'manifest.json') as {
      Config: string
      RepoTags: string[]
      Layers: string[]
    }[]
    const byTag = new Map(entries.flatMap((entry) => entry.RepoTags.map((tag) => [tag, entry])))
    assert.deepEqual([...byTag.keys()].sort(), [cli.image, one(), two()].sort())
    assert.equal(byTag.get(one()), byTag.get(two()))
    assert.equal(byTag.get(one())?.Layers.length, 2)
    // dockerd before 25 packed a layer once for each image
    if (cli.own) assert.equal(byTag.get(one())?.Layers[0], byTag.get(cli.image)?.Layers[0])
    for (const { Config, Layers } of entries)
      for (const name of [Config, ...Layers]) assert.ok(members.includes(name), name)
    if (!cli.own) return
    for (const name of members.filter((member) => /^blobs\/sha256\/./.test(member))) {
      const { stdout } = await exec('sh', ['-c', `tar -xOf ${archive} ${name} | sha256sum`])
      assert.equal(stdout.slice(0, 64), name.slice('blobs/sha256/'.length))
    }
    assert.deepEqual(content(archive, 'oci-layout'), { imageLayoutVersion: '1.0.0' })
  })

  it('comes back by load as the same images under the same names', async () => {
    const ids = await Promise.all([cli.image, one()].map(idOf))
    await cli.ok('rmi', '-f', cli.image, one(), two(), `${cli.prefix}/two:3`)
    const loaded = await cli.ok('load', '-i', archive)
    for (const name of [cli.image, one(), two()])
      assert.match(loaded, new RegExp(`Loaded image: ${name}`))
    assert.deepEqual(await Promise.all([cli.image, one()].map(idOf)), ids)
    assert.equal(await cli.ok('run', '--rm', two()), 'made')
    assert.notEqual((await cli.run(['run', '--rm', one(), 'ls', '/bin/vi'])).code, 0)
  })

  it('saves a repository with all its tags, an image by its ID without names', async () => {
    await cli.ok('tag', one(), `${cli.prefix}/two:3`)
    const all = path.join(cli.dir, 'all.tar')
    await cli.ok('save', '-o', all, `${cli.prefix}/two`)
    const entries = content(all, 'manifest.json') as { RepoTags: string[] | null }[]
    assert.deepEqual(
      entries.map(({ RepoTags }) => RepoTags?.sort()),
      [[two(), `${cli.prefix}/two:3`]],
    )
    const nameless = path.join(cli.dir, 'nameless.tar')
    await cli.ok('save', '-o', nameless, await idOf(one()))
    assert.equal((content(nameless, 'manifest.json') as [{ RepoTags: null }])[0].RepoTags, null)
    const refused = await cli.run(['save', '-o', path.join(cli.dir, 'no.tar'), one(), 'nothing:0'])
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /No such image|reference does not exist/)
  })

  it('is loaded by podman as the same image, whose own archive comes back', async (t) => {
    if (!isOnPath('podman')) return void t.skip('podman is not installed')
    if (!cli.own) return void t.skip('GANTRY_TEST_DOCKER_HOST names another engine')
    const roots = ['--root', path.join(cli.dir, 'podman'), '--runroot', path.join(cli.dir, 'prun')]
    const podman = async (...args: string[]): Promise<string> =>
      (await exec('podman', [...roots, '--storage-driver', 'vfs', ...args])).stdout.trim()
    try {
      await podman('load', '-q', '-i', archive)
      const id = await podman('image', 'inspect', '-f', '{{.Id}}', `localhost/${one()}`)
      assert.equal(`sha256:${id}`, await idOf(one()))
      const back = path.join(cli.dir, 'podman.tar')
      await podman('save', '-q', '-o', back, `localhost/${one()}`)
      await cli.ok('load', '-i', back)
      assert.equal(await idOf(`localhost/${one()}`), await idOf(one()))
    } finally {
      await cli.run(['rmi', `localhost/${one()}`])
      await podman('rmi', '-a', '-f')
    }
  })

  it('is read by skopeo, as an OCI layout and as a Docker archive, with the same config', async (t) => {
    if (!isOnPath('skopeo')) return void t.skip('skopeo is not installed')
    if (!cli.own) return void t.skip('GANTRY_TEST_DOCKER_HOST names another engine')
    const id = await idOf(one())
    for (const source of [`docker-archive:${archive}:${one()}`, `oci-archive:${archive}:2`]) {
      const target = path.join(cli.dir, `as-${source.slice(0, 3)}`)
      await exec('skopeo', ['--insecure-policy', 'copy', source, `dir:${target}`])
      const manifest = JSON.parse(
        await fs.readFile(path.join(target, 'manifest.json'), 'utf8'),
      ) as { config: { digest: string }; layers: unknown[] }
      assert.equal(manifest.config.digest, id, source)
      assert.equal(manifest.layers.length, 2)
    }
  })
})

describe(
  'docker push',
  { skip: (await whyNot()) || (!hasRegistry && 'docker-registry and skopeo are not installed') },
  () => {
    let cli: Cli
    let registry: LocalRegistry
    before(async () => {
      cli = await openCli()
      registry = await LocalRegistry.start(cli.dir)
    })
    after(async () => {
      await registry.close()
      await cli.close()
    })

    it('brings an image to a registry, from where it comes back by tag and by digest as the same', async () => {
      const name = `${registry.host}/${cli.prefix}/app`
      const id = await cli.ok('image', 'inspect', '-f', '{{.Id}}', cli.image)
      await cli.ok('tag', cli.image, `${name}:1`)
      await cli.ok('tag', cli.image, `${name}:2`)
      const pushed = await cli.ok('push', `${name}:1`)
      assert.match(pushed, new RegExp(`^The push refers to repository \\[${name}\\]\n`))
      assert.match(pushed, /: Pushed\n/)
      const digest = /\n1: digest: (sha256:[0-9a-f]{64}) size: \d+$/.exec(pushed)?.[1] ?? ''
      assert.equal(
        await cli.ok('image', 'inspect', '-f', '{{join .RepoDigests " "}}', `${name}:1`),
        `${name}@${digest}`,
      )
      const all = await cli.ok('push', '-a', name)
      assert.match(all, /: Layer already exists\n/)
      assert.match(all, new RegExp(`\n2: digest: ${digest} size: `))

      await cli.ok('rmi', `${name}:1`, `${name}:2`)
      const every = await cli.ok('pull', '-a', name)
      for (const tag of ['1', '2']) assert.match(every, new RegExp(`^${tag}: Pulling from`, 'm'))
      assert.equal(await cli.ok('image', 'inspect', '-f', '{{.Id}}', `${name}:2`), id)

      await cli.ok('rmi', '-f', id)
      await cli.ok('pull', '-q', `${name}@${digest}`)
      assert.equal(await cli.ok('image', 'inspect', '-f', '{{.Id}}', `${name}@${digest}`), id)
      await cli.ok('pull', '-q', `${name}:2`)
      assert.equal(await cli.ok('run', '--rm', `${name}:2`, 'echo', 'back'), 'back')
      await cli.ok('tag', `${name}:2`, cli.image)
      await cli.run(['rmi', `${name}:2`, `${name}@${digest}`])
    })

    it('is asked for an image at a registry without a pull, by the engine and by docker manifest', async () => {
      const name = `${registry.host}/${cli.prefix}/asked:1`
      await cli.ok('tag', cli.image, name)
      const digest = /digest: (\S+)/.exec(await cli.ok('push', name))?.[1]
      await cli.ok('rmi', name)
      const { Descriptor, Platforms } = (await get(cli.host, `/distribution/${name}/json`)) as {
        Descriptor: { digest: string; mediaType: string; size: number }
        Platforms: { architecture: string; os: string }[]
      }
      assert.equal(Descriptor.digest, digest)
      assert.match(Descriptor.mediaType, /manifest\.v[12]\+json$/)
      assert.deepEqual(
        Platforms.map(({ os }) => os),
        ['linux'],
      )
      const missing = (await get(cli.host, `/distribution/${name}9/json`)) as { message: string }
      assert.match(missing.message, /manifest unknown|not found/)
      // the CLI asks the registry itself
      const shown = await cli.ok('manifest', 'inspect', '--insecure', name)
      assert.match(shown, /"schemaVersion": 2/)
    })

    it('says what is not there to be pushed, and which registry does not answer', async () => {
      const none = await cli.run(['push', `${registry.host}/${cli.prefix}/none:1`])
      assert.equal(none.code, 1)
      assert.match(none.stderr, /An image does not exist locally with the tag: 127\.0\.0\.1/)
      const nobody = `127.0.0.1:1/${cli.prefix}/app:1`
      await cli.ok('tag', cli.image, nobody)
      const refused = await cli.run(['push', nobody])
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /127\.0\.0\.1:1.*refused/i)
      await cli.ok('rmi', nobody)
    })
  },
)

describe('docker images --filter and prune', { skip: await whyNot() }, () => {
  let cli: Cli
  const named = (name: string): string => `${cli.prefix}/${name}`
  const make = (tag: string | undefined, ...changes: string[]): Promise<string> =>
    cli.ok(
      'import',
      ...changes.flatMap((change) => ['--change', change]),
      path.join(cli.dir, 'busybox.tar'),
      ...(tag === undefined ? [] : [named(tag)]),
    )
  const listed = async (...filters: string[]): Promise<string[]> => {
    const args = filters.flatMap((filter) => ['--filter', filter])
    const format = '{{.Repository}}:{{.Tag}}'
    const lines = (await cli.ok('images', '--format', format, ...args)).split('\n')
    return lines.filter((line) => line.startsWith(cli.prefix) || line.startsWith('<none>')).sort()
  }

  before(async () => {
    cli = await openCli()
    await make('first:1', `LABEL run=${cli.prefix} kind=app`)
    await make('second:1', `LABEL run=${cli.prefix} kind=tool`)
    await make('third:2', `LABEL run=${cli.prefix}`)
  })
  after(() => cli.close())

  it('tells images made before and since others, though within one second', async () => {
    const mine = `label=run=${cli.prefix}`
    assert.deepEqual(await listed(mine, `before=${named('second:1')}`), [named('first:1')])
    assert.deepEqual(await listed(mine, `since=${named('first:1')}`), [
      named('second:1'),
      named('third:2'),
    ])
    assert.deepEqual(
      await listed(mine, `since=${named('first:1')}`, `before=${named('third:2')}`),
      [named('second:1')],
    )
    const refused = await cli.run(['images', '--filter', 'before=nothing:0'])
    assert.match(refused.stderr, /No such image: nothing:0/)
    assert.match((await cli.run(['images', '--filter', 'size=1'])).stderr, /[Ii]nvalid filter/)
  })

  it('tells them by label, reference and pattern', async () => {
    assert.deepEqual(await listed(`label=run=${cli.prefix}`, 'label=kind'), [
      named('first:1'),
      named('second:1'),
    ])
    assert.deepEqual(await listed(`label=run=${cli.prefix}`, 'label=kind=tool'), [
      named('second:1'),
    ])
    assert.deepEqual(await listed(`reference=${cli.prefix}/*:1`), [
      cli.image,
      named('first:1'),
      named('second:1'),
    ])
    assert.deepEqual(await listed(`reference=${cli.prefix}/t*`, `reference=${named('first:1')}`), [
      named('first:1'),
      named('third:2'),
    ])
    assert.deepEqual(await listed('reference=*-nothing'), [])
  })

  it('prunes what is dangling, by label and by age, and never what a container uses', async () => {
    const mark = `run=${cli.prefix}-prune`
    const used = await make(undefined, `LABEL ${mark} used=yes`)
    await make(undefined, `LABEL ${mark} keep=yes`)
    const dangling = await make(undefined, `LABEL ${mark}`)
    const tagged = await make('pruned:1', `LABEL ${mark}`)
    const holder = await cli.ok('create', used, 'sh')
    const ids = async (): Promise<string[]> =>
      (await cli.ok('images', '-q', '--no-trunc', '--filter', `label=${mark}`)).split('\n')
    assert.equal((await listed(`label=${mark}`, 'dangling=true')).length, 3)
    assert.deepEqual(await listed(`label=${mark}`, 'dangling=false'), [named('pruned:1')])

    const prune = (...more: string[]): Promise<string> =>
      cli.ok('image', 'prune', '-f', '--filter', `label=${mark}`, ...more)
    assert.match(await prune('--filter', 'until=24h'), /^Total reclaimed space: 0B$/)
    assert.match(await prune('--filter', 'label!=keep'), new RegExp(`deleted: ${dangling}`))
    assert.ok(!(await ids()).includes(dangling))
    await prune()
    assert.deepEqual((await ids()).sort(), [used, tagged].sort())
    const all = await prune('-a')
    assert.match(all, new RegExp(`untagged: ${named('pruned:1')}`))
    assert.deepEqual(await ids(), [used])
    await cli.ok('rm', holder)
    await prune('-a')
    assert.deepEqual(await ids(), [''])
  })

  it('tells in system df what images share and what each has for itself', async () => {
    const container = await cli.ok('create', named('first:1'), 'sh')
    await cli.ok('commit', container, named('onfirst:1'))
    await cli.ok('rm', container)
    const df = await cli.ok('system', 'df', '-v')
    const row = df.split('\n').find((line) => line.startsWith(named('onfirst')))
    // repository, tag, ID, age in words, size, shared, unique, containers
    assert.match(row ?? '', /\s1\.9\d+MB\s+1\.9\d+MB\s+0B\s+0$/)
  })
})
