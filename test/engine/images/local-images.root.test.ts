import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { hostPlatform } from '../../../engine/oci/platform.ts'
import { dockerArchive, ociArchive, registryImage, sha256, tarOf } from './archives.ts'
import { collect, TestImages } from './image-engine.ts'

const base = tarOf({
  'etc/': '',
  'etc/passwd': 'root:x:0:0:::\n',
  'bin/': '',
  'bin/sh': 'shell',
  old: 'old',
})
const top = tarOf({ 'etc/motd': 'hello', '.wh.old': '' })
const other = tarOf({ other: 'other' })

describe('LocalImages', () => {
  let test: TestImages
  beforeEach(async () => {
    test = await TestImages.open()
  })
  afterEach(() => test.close())

  const id = async (name: string): Promise<string> => (await test.images.resolve(name)).id

  it('loads a layout whose documents leave the version of their schema to the media type', async () => {
    for (const [version, name] of [[0, 'zero:1'], [undefined, 'none:1']] as const) {
      const { blobs, manifest } = registryImage({ layers: [base], labels: { name } })
      const value = JSON.parse(manifest.toString()) as object
      const own = Buffer.from(JSON.stringify({ ...value, schemaVersion: version }))
      const lines = await test.load(ociArchive({ manifest: own, blobs, name }))
      assert.deepEqual(lines, [`Loaded image: ${name}`])
      assert.equal((await test.images.inspect(name)).Descriptor?.digest, sha256(own))
    }
  }) // prettier-ignore

  it('loads a docker save archive of several images and names, and shares their layers', async () => {
    const archive = dockerArchive(
      { layers: [base, top], tags: ['app:1', 'host.x:5000/app:1'] },
      { layers: [base, other], tags: ['other'] },
      { layers: [base] },
    )
    const lines = await test.load(gzipSync(archive))
    assert.deepEqual(lines.slice(0, 3), [
      'Loaded image: app:1',
      'Loaded image: host.x:5000/app:1',
      'Loaded image: other:latest',
    ])
    assert.match(lines[3] ?? '', /^Loaded image ID: sha256:[0-9a-f]{64}$/)
    assert.deepEqual(test.onDisk(), { layers: 3, temporary: 0, blobs: 6, partial: 0 })
    assert.equal(await test.images.layersSize(), 14 + 5 + 3 + 5 + 5)
    const images = await test.images.list({ sharedSize: true })
    assert.deepEqual(
      images.map(({ RepoTags, SharedSize }) => [RepoTags.length, SharedSize]).sort(),
      [
        [0, 22],
        [1, 22],
        [2, 22],
      ],
    )

    const inspected = await test.images.inspect('app:1')
    assert.deepEqual(inspected.RepoTags, ['app:1', 'host.x:5000/app:1'])
    assert.deepEqual(inspected.RootFS?.Layers, [sha256(base), sha256(top)])
    assert.deepEqual(inspected.Config, { Cmd: ['sh'], Env: ['PATH=/bin'] })
    const history = await test.images.history('app:1')
    assert.deepEqual(
      history.map(({ CreatedBy, Size }) => [CreatedBy, Size]),
      [
        ['CMD sh', 0],
        ['layer 1', 5],
        ['layer 0', 22],
      ],
    )
    assert.equal(history[0]?.Id, inspected.Id)
  })

  it('tells of a load which image it takes a name from, in Docker’s words', async () => {
    const archiveOf = (layer: Buffer): Buffer => dockerArchive({ layers: [layer], tags: ['app:1'] })
    assert.deepEqual(await test.load(archiveOf(base)), ['Loaded image: app:1'])
    const before = await id('app:1')
    assert.deepEqual(await test.load(archiveOf(base)), ['Loaded image: app:1'])
    assert.deepEqual(await test.load(archiveOf(other)), [
      `The image app:1 already exists, renaming the old one with ID ${before} to empty string`,
      'Loaded image: app:1',
    ])
    assert.deepEqual((await test.images.inspect(before)).RepoTags, [])
  })

  it('loads what skopeo writes, as OCI layout and as docker archive', async () => {
    const layout = path.join(test.root, 'layout')
    const { manifest, blobs } = registryImage({ layers: [base, top] })
    fs.mkdirSync(path.join(layout, 'blobs/sha256'), { recursive: true })
    for (const [digest, content] of [...blobs, [sha256(manifest), manifest] as const]) {
      fs.writeFileSync(path.join(layout, 'blobs/sha256', digest.slice(7)), content)
    }
    const descriptor = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: sha256(manifest),
      size: manifest.length,
    }
    fs.writeFileSync(
      path.join(layout, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }),
    )
    fs.writeFileSync(path.join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const ids = new Set<string>()
    for (const kind of ['docker-archive', 'oci-archive']) {
      const file = path.join(test.root, `${kind}.tar`)
      execFileSync('skopeo', [
        '--insecure-policy',
        'copy',
        '-q',
        `oci:${layout}`,
        `${kind}:${file}:team/${kind}:7`,
      ])
      assert.deepEqual(await test.load(fs.readFileSync(file)), [`Loaded image: team/${kind}:7`])
      ids.add(await id(`team/${kind}:7`))
    }
    assert.equal(ids.size, 1)
    assert.equal(
      (await test.images.inspect([...ids][0] ?? '')).Descriptor?.digest,
      sha256(manifest),
    )
  })

  it('takes an image of no system and architecture for one of this machine', async () => {
    const config = JSON.stringify({ rootfs: { type: 'layers', diff_ids: [sha256(base)] } })
    const manifest = JSON.stringify([{ Config: 'c', RepoTags: ['bare:1'], Layers: ['l'] }])
    await test.load(tarOf({ 'manifest.json': manifest, c: config, l: base }))
    const { Architecture, Os } = await test.images.inspect('bare:1')
    assert.deepEqual({ architecture: Architecture, os: Os }, hostPlatform())
  })

  for (const [what, archive, message] of [
    ['no archive', Buffer.from('x'.repeat(2000)), /invalid tar/],
    ['an empty stream', Buffer.alloc(0), /it is empty/],
    ['a root file system', base, /imported, not loaded/],
    ['broken JSON', tarOf({ 'manifest.json': '[{' }), /not JSON/],
    ['JSON of another shape', tarOf({ 'manifest.json': '{"a":1}' }), /invalid manifest.json/],
    [
      'a config that is missing',
      tarOf({ 'manifest.json': '[{"Config":"c","Layers":[]}]' }),
      /c is missing/,
    ],
    [
      'a config of another shape',
      tarOf({ 'manifest.json': '[{"Config":"c"}]', c: '{"os":"linux"}' }),
      /invalid image config/,
    ],
    [
      'an image of another system',
      tarOf({
        'manifest.json': '[{"Config":"c"}]',
        c: '{"os":"windows","architecture":"amd64","rootfs":{"type":"layers"}}',
      }),
      /windows/,
    ],
    [
      'a layer that is missing',
      tarOf({ 'manifest.json': '[{"Config":"c","Layers":["l"]}]', c: '{}' }),
      /l is missing/,
    ],
    [
      'a layer with other content',
      Buffer.from(dockerArchive({ layers: [other] })).fill('z', 512 * 3 + 0, 512 * 3 + 1),
      /./,
    ],
    ['a truncated archive', dockerArchive({ layers: [base] }).subarray(0, 3000), /unexpected end/],
    [
      'a hostile layer',
      dockerArchive({ layers: [tarOf({ '../../x': 'y' })] }),
      /outside of its root/,
    ],
    ['a bad name', dockerArchive({ layers: [base], tags: ['Bad:1'] }), /must be lowercase/],
  ] as [string, Buffer, RegExp][]) {
    it(`load() refuses ${what} and leaves nothing behind`, async () => {
      await assert.rejects(test.load(archive), { code: 'INVALID_PARAMETER', message })
      assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
      assert.deepEqual(await test.images.list(), [])
    })
  }

  it('loads an archive that xz has packed', async () => {
    const archive = dockerArchive({ layers: [base], tags: ['app:1'] })
    assert.deepEqual(await test.load(execFileSync('xz', ['-c'], { input: archive })), [
      'Loaded image: app:1',
    ])
  })

  it('keeps nothing of a load whose sender goes away', async () => {
    const archive = dockerArchive({
      layers: [base, tarOf({ big: Buffer.alloc(4 << 20) })],
      tags: ['app'],
    })
    const stop = new AbortController()
    async function* slowly(): AsyncGenerator<Buffer> {
      yield archive.subarray(0, archive.length / 2)
      stop.abort(new Error('gone'))
      await new Promise(() => undefined)
    }
    await assert.rejects(
      collect(test.images.load(Readable.from(slowly()), {}, stop.signal)),
      /gone/,
    )
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
  })

  it('imports a root file system with changes', async () => {
    const progress = test.images.import(Readable.from(gzipSync(base)), {
      reference: 'imported',
      message: 'from a test',
      changes: ['CMD ["/bin/sh"]', 'ENV A=b'],
      platform: 'linux/arm64',
    })
    const [line] = await collect(progress)
    const image = await test.images.inspect('imported:latest')
    assert.equal(line?.status, image.Id)
    assert.deepEqual(
      [image.Architecture, image.Comment, image.Config],
      ['arm64', 'from a test', { Cmd: ['/bin/sh'], Env: ['A=b'] }],
    )
    assert.deepEqual(image.RootFS?.Layers, [sha256(base)])
    assert.deepEqual(
      test.events.map(({ action, name }) => [action, name]),
      [['import', 'imported:latest']],
    )
    await assert.rejects(collect(test.images.import(Readable.from(base), { changes: ['RUN x'] })), {
      message: 'RUN is not a valid change command',
    })
    assert.equal(test.onDisk().partial, 0)
  })

  it('lists by every filter', async () => {
    await test.load(
      dockerArchive(
        {
          layers: [base],
          tags: ['team/a:1', 'b:2'],
          created: '2026-01-01T00:00:00Z',
          labels: { x: '1' },
        },
        { layers: [base, top], tags: ['c:3'], created: '2026-02-01T00:00:00Z', labels: { x: '2' } },
        { layers: [base, other], created: '2026-03-01T00:00:00Z' },
      ),
    )
    const names = async (filters: Record<string, string[]>): Promise<string[]> =>
      (await test.images.list({ filters })).map(({ RepoTags }) => RepoTags.join(' ') || '-')
    assert.deepEqual(await names({}), ['-', 'c:3', 'b:2 team/a:1'])
    assert.deepEqual(await names({ dangling: ['true'] }), ['-'])
    assert.deepEqual(await names({ dangling: ['false'] }), ['c:3', 'b:2 team/a:1'])
    assert.deepEqual(await names({ label: ['x'] }), ['c:3', 'b:2 team/a:1'])
    assert.deepEqual(await names({ label: ['x=2'] }), ['c:3'])
    assert.deepEqual(await names({ before: ['c:3'] }), ['b:2 team/a:1'])
    assert.deepEqual(await names({ since: ['c:3'] }), ['-'])
    assert.deepEqual(await names({ until: ['2026-01-15'] }), ['b:2 team/a:1'])
    assert.deepEqual(await names({ reference: ['b'] }), ['b:2'])
    assert.deepEqual(await names({ reference: ['*/a', '?:3'] }), ['c:3', 'team/a:1'])
    await assert.rejects(names({ nonsense: ['1'] }), { message: "invalid filter 'nonsense'" })
    await assert.rejects(names({ before: ['missing'] }), { code: 'NOT_FOUND' })
  })

  it("finds by name, ID and prefix, in Docker's words when not", async () => {
    await test.load(dockerArchive({ layers: [base], tags: ['app:1'] }))
    const full = await id('app:1')
    for (const name of [
      full,
      full.slice(7),
      full.slice(7, 19),
      full.slice(0, 15),
      'docker.io/library/app:1',
    ])
      assert.equal(await id(name), full)
    await assert.rejects(test.images.inspect('app'), {
      code: 'NOT_FOUND',
      message: 'No such image: app:latest',
    })
    await assert.rejects(test.images.inspect('a?'), {
      code: 'INVALID_PARAMETER',
      message: 'invalid reference format',
    })
    // a name of hex digits comes before an ID that begins so
    await test.load(dockerArchive({ layers: [other], tags: [full.slice(7, 13)] }))
    assert.notEqual(await id(full.slice(7, 13)), full)
  })

  it('tags, untags, and removes with the last name', async () => {
    await test.load(dockerArchive({ layers: [base, top], tags: ['app:1'] }))
    const full = await id('app:1')
    await test.images.tag('app:1', 'team/app', 'x')
    await test.images.tag(full, 'again')
    for (const repo of ['sha256', 'sha256:sometag', 'docker.io/library/sha256'])
      await assert.rejects(test.images.tag('again', repo, 'x'), {
        code: 'INVALID_PARAMETER',
        message: /refusing to create an ambiguous tag using digest algorithm as name/,
      })
    assert.deepEqual(await test.images.remove('app:1'), [{ Untagged: 'app:1' }])
    await assert.rejects(test.images.remove(full.slice(7, 19)), {
      code: 'CONFLICT',
      message: `conflict: unable to delete ${full.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
    })
    assert.deepEqual(await test.images.remove('team/app:x'), [{ Untagged: 'team/app:x' }])
    const removed = await test.images.remove('again')
    assert.deepEqual(removed.slice(0, 2), [{ Untagged: 'again:latest' }, { Deleted: full }])
    assert.equal(removed.length, 4)
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
    assert.deepEqual(
      test.events.map(({ action }) => action),
      ['load', 'tag', 'tag', 'untag', 'untag', 'untag', 'delete'],
    )
    await assert.rejects(test.images.tag('again', 'x'), { code: 'NOT_FOUND' })
  })

  it('does not remove what containers use', async () => {
    await test.load(dockerArchive({ layers: [base], tags: ['app:1'] }))
    const full = await id('app:1')
    const user = { id: 'c'.repeat(64), running: false }
    test.users.set(full, [user])
    const short = full.slice(7, 19)
    await assert.rejects(test.images.remove('app:1'), {
      message: `conflict: unable to remove repository reference "app:1" (must force) - container cccccccccccc is using its referenced image ${short}`,
    })
    await assert.rejects(test.images.remove(short), {
      message: `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`,
    })
    user.running = true
    await assert.rejects(test.images.remove(short, { force: true }), {
      message: `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
    })
    assert.deepEqual(await test.images.remove('app:1', { force: true }), [{ Untagged: 'app:1' }])
    assert.deepEqual(await test.images.prune({ dangling: ['false'] }), {
      ImagesDeleted: [],
      SpaceReclaimed: 0,
    })
    assert.equal((await test.images.list()).length, 1)
  })

  it('does not remove what a container is being made of, until that is given up', async () => {
    await test.load(dockerArchive({ layers: [base], tags: ['app:1'] }))
    const { images } = test
    const short = (await id('app:1')).slice(7, 19)
    const gate = new EventEmitter()
    const making = images.holding('app:1', 'd'.repeat(64), () => once(gate, 'given up'))
    await assert.rejects(images.remove('app:1'), {
      code: 'CONFLICT',
      message: `conflict: unable to remove repository reference "app:1" (must force) - container dddddddddddd is using its referenced image ${short}`,
    })
    await assert.rejects(images.remove(short), { code: 'CONFLICT' })
    assert.deepEqual((await images.prune({ dangling: ['false'] })).ImagesDeleted, [])
    gate.emit('given up')
    await making
    assert.equal((await images.remove('app:1')).at(0)?.Untagged, 'app:1')
  })

  it('takes a name away only with the image, when a container may be made of it by that name', async () => {
    await test.load(dockerArchive({ layers: [base], tags: ['app:1'] }))
    const { images } = test
    const gate = new EventEmitter()
    const [turn, made] = [once(gate, 'turn'), once(gate, 'made')]
    const before = images.store.keeping(() => turn)
    const removing = images.remove('app:1')
    // resolved while the removal waits for its turn
    const making = images.holding('app:1', 'd'.repeat(64), () => made)
    gate.emit('turn')
    await assert.rejects(removing, { code: 'CONFLICT' })
    gate.emit('made')
    await Promise.all([before, making])
    assert.deepEqual((await images.resolve('app:1')).repoTags, ['app:1'])
  })

  it('prunes nameless images, or all unused ones, by label and age', async () => {
    await test.load(
      dockerArchive(
        { layers: [base], tags: ['app:1'], labels: { keep: '1' } },
        { layers: [base, top], created: new Date().toISOString() },
        { layers: [base, other] },
      ),
    )
    const planned = await test.images.prunable({ until: ['1h'] })
    assert.deepEqual(
      [planned.images.length, planned.SpaceReclaimable, planned.isExact],
      [1, 5, true],
    )
    // the layer below is shared by all three: it goes with the last of them
    assert.equal((await test.images.prunable({ dangling: ['false'] })).images.length, 3)
    assert.equal(
      (await test.images.prunable({ dangling: ['false'] })).SpaceReclaimable,
      test.images.store.layers.all().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    )
    await assert.rejects(test.images.prunable({ name: ['x'] }), { code: 'INVALID_PARAMETER' })
    assert.equal((await test.images.prune({ until: ['1h'] })).SpaceReclaimed, 5)
    assert.equal((await test.images.prune()).SpaceReclaimed, 5)
    assert.equal((await test.images.prune()).ImagesDeleted.length, 0)
    assert.equal(
      (await test.images.prune({ dangling: ['false'], 'label!': ['keep'] })).ImagesDeleted.length,
      0,
    )
    assert.deepEqual((await test.images.prune({ dangling: ['false'] })).ImagesDeleted[0], {
      Untagged: 'app:1',
    })
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
  })

  it('prunes no image that was named, made a container of or needed since it began', async () => {
    const { images } = test
    const layers = [[base], [top], [other], [base, other]]
    await test.load(dockerArchive(...layers.map((each) => ({ layers: each }))))
    const [named, used, needed, free] = (await images.list()).map(({ Id }) => Id)
    assert.ok(named !== undefined && used !== undefined && needed !== undefined)
    const gate = new EventEmitter()
    const before = images.store.keeping(() => once(gate, 'turn'))
    const tagged = images.tag(named, 'named', '1')
    const pruning = images.prune()
    await images.makeWritable('one', used)
    const working = images.store.leased(async ({ blobs }) => {
      blobs.add(needed)
      await once(gate, 'done')
    })
    gate.emit('turn')
    const { ImagesDeleted } = await pruning
    gate.emit('done')
    await Promise.all([before, tagged, working])
    const gone = ImagesDeleted.map(({ Deleted }) => Deleted)
    assert.deepEqual(
      [named, used, needed, free].map((image) => gone.includes(image)),
      [false, false, false, true],
    )
    assert.equal(await id('named:1'), named)
  })

  it("keeps a container's layers when its image is removed by force, until it goes", async () => {
    await test.load(dockerArchive({ layers: [base, top], tags: ['app:1'] }))
    await test.images.makeWritable('one', await id('app:1'))
    await test.images.remove('app:1', { force: true })
    await test.reopen()
    assert.equal(test.onDisk().layers, 2)
    assert.equal((await test.images.snapshots.readFile('one', 'etc/motd'))?.toString(), 'hello')
    await test.images.removeWritable('one')
    assert.equal(test.onDisk().layers, 0)
  })

  it('shows the layers merged: mounted, and read without a mount', async () => {
    await test.load(dockerArchive({ layers: [base, top], tags: ['app:1'] }))
    const { snapshots } = test.images
    await test.images.makeWritable('one', await id('app:1'))
    const { lower, layersRoot, upper } = snapshots.overlay('one')
    assert.equal(lower.length, 2)
    assert.ok(fs.existsSync(path.join(layersRoot, lower[0] ?? '', 'etc/motd')))
    const mountPoint = path.join(test.root, 'mnt')
    fs.mkdirSync(mountPoint)
    snapshots.mount('one', mountPoint)
    try {
      assert.deepEqual(fs.readdirSync(mountPoint).sort(), ['bin', 'etc'])
      assert.deepEqual(fs.readdirSync(path.join(mountPoint, 'etc')).sort(), ['motd', 'passwd'])
      fs.writeFileSync(path.join(mountPoint, 'etc/passwd'), 'changed')
      fs.rmSync(path.join(mountPoint, 'bin'), { recursive: true })
      fs.mkdirSync(path.join(mountPoint, 'bin'))
      fs.symlinkSync('../../../../etc/passwd', path.join(mountPoint, 'bin/link'))
      fs.symlinkSync('/etc', path.join(mountPoint, 'etc-link'))
      fs.symlinkSync('loop', path.join(mountPoint, 'loop'))
      fs.symlinkSync(test.root, path.join(mountPoint, 'outside'))
    } finally {
      snapshots.umount(mountPoint)
    }
    fs.writeFileSync(path.join(test.root, 'secret'), 'secret')
    const read = async (file: string): Promise<string | undefined> =>
      (await snapshots.readFile('one', file))?.toString()
    assert.equal(await read('/etc/passwd'), 'changed')
    assert.equal(await read('bin/link'), 'changed')
    assert.equal(await read('etc-link/motd'), 'hello')
    for (const name of [
      'old',
      'bin/sh',
      'loop',
      'outside/secret',
      '../secret',
      'etc',
      'etc/passwd/x',
      'no/such',
    ]) {
      assert.equal(await read(name), undefined, name)
    }
    await assert.rejects(snapshots.readFile('one', 'etc/passwd', 3), /larger than 3 bytes/)
    assert.ok((await snapshots.usage('one')) >= 'changed'.length)
    assert.ok(upper.startsWith(test.root))
    await test.images.removeWritable('one')
    assert.deepEqual(snapshots.list(), [])
  })

  it('mounts 128 layers', async () => {
    const layers = Array.from({ length: 128 }, (_, index) =>
      tarOf({ [`f${index}`]: String(index) }),
    )
    await test.load(dockerArchive({ layers, tags: ['deep'] }))
    await test.images.makeWritable('d'.repeat(64), await id('deep'))
    const mountPoint = path.join(test.root, 'mnt')
    fs.mkdirSync(mountPoint)
    test.images.snapshots.mount('d'.repeat(64), mountPoint)
    try {
      assert.equal(fs.readdirSync(mountPoint).length, 128)
    } finally {
      test.images.snapshots.umount(mountPoint)
    }
  })

  it('gives directories that a layer only implies the owner and mode they have below', async () => {
    const below = execFileSync('sh', [
      '-c',
      'd=$(mktemp -d) && mkdir $d/home && chown 7:8 $d/home && chmod 700 $d/home && tar -C $d --numeric-owner -c home && rm -r $d',
    ])
    await test.load(dockerArchive({ layers: [below, tarOf({ 'home/file': 'x' })], tags: ['app'] }))
    await test.images.makeWritable('one', await id('app'))
    const { layersRoot, lower } = test.images.snapshots.overlay('one')
    const home = fs.statSync(path.join(layersRoot, lower[0] ?? '', 'home'))
    assert.deepEqual([home.uid, home.gid, home.mode & 0o7777], [7, 8, 0o700])
  })

  it("says so when a layer was removed by somebody's hand, and a load mends it", async () => {
    const archive = dockerArchive(
      { layers: [base, top], tags: ['app:1'] },
      { layers: [other], tags: ['other'] },
    )
    await test.load(archive)
    await test.images.makeWritable('one', await id('app:1'))
    const { layersRoot, lower } = test.images.snapshots.overlay('one')
    fs.rmSync(path.join(layersRoot, lower[0] ?? '', '..'), { recursive: true })
    await assert.rejects(test.images.makeWritable('two', await id('app:1')), {
      code: 'SYSTEM',
      message: /layer sha256:.* is missing on disk/,
    })
    await test.images.makeWritable('three', await id('other'))
    await test.reopen()
    await test.load(archive)
    await test.images.makeWritable('two', await id('app:1'))
    assert.equal((await test.images.snapshots.readFile('two', 'etc/motd'))?.toString(), 'hello')
  })
})
