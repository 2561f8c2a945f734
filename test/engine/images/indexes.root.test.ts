import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { MockRegistry } from '../registry/mock-registry.ts'
import { ociArchive, platformIndex, sha256, tarOf } from './archives.ts'
import { collect, TestImages } from './image-engine.ts'

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const layers = [tarOf({ base: 'base' })]

describe('an index of images for several platforms', () => {
  let test: TestImages
  let registry: MockRegistry
  const index = platformIndex({ layers }, ['amd64', 'arm64'])
  const digest = sha256(index.manifest)
  beforeEach(async () => {
    test = await TestImages.open()
    registry = await MockRegistry.start()
    registry.add('multi:1', index, OCI_INDEX)
    for (const [part, content] of index.parts)
      registry.manifests.set(`multi/manifests/${part}`, { content, mediaType: MANIFEST })
  })
  afterEach(async () => {
    await test.close()
    await registry.close()
  })

  const archive = (name?: string): Buffer =>
    ociArchive({
      manifest: index.manifest,
      mediaType: OCI_INDEX,
      blobs: new Map([...index.blobs, ...index.parts]),
      ...(name === undefined ? {} : { name }),
    })
  const pushed = (name: string): Buffer | undefined => registry.manifests.get(name)?.content

  it('pulled by its digest is known by it, and its document stays though its name is gone', async () => {
    const name = `${registry.host}/multi`
    await collect(test.images.pull(`${name}@${digest}`))
    const image = await test.images.inspect(`${name}@${digest}`, { manifests: true })
    assert.deepEqual(image.RepoDigests, [`${name}@${digest}`])
    assert.deepEqual([image.Descriptor?.digest, image.Descriptor?.mediaType], [digest, OCI_INDEX])
    assert.deepEqual(
      image.Manifests?.map((each) => [each.Kind, each.Available, each.ImageData?.Platform]),
      [
        ['image', true, { architecture: 'amd64', os: 'linux' }],
        ['image', false, { architecture: 'arm64', os: 'linux' }],
        ['attestation', false, undefined],
      ],
    )
    await test.reopen()
    assert.equal((await test.images.inspect(`${name}@${digest}`)).Descriptor?.digest, digest)
    await test.images.remove(`${name}@${digest}`)
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
  })

  it('that is not all here is pushed as its image for this platform, which is said', async () => {
    await collect(test.images.pull(`${registry.host}/multi:1`))
    await test.images.tag(`${registry.host}/multi:1`, `${registry.host}/copy`, '1')
    const lines = await collect(test.images.push(`${registry.host}/copy:1`))
    const [own] = [...index.parts.keys()]
    assert.equal(sha256(pushed('copy/manifests/1') ?? Buffer.alloc(0)), own)
    const note = lines.find(({ aux }) => aux?.manifestPushedInsteadOfIndex)?.aux
    assert.deepEqual([note?.originalIndex?.digest, note?.selectedManifest?.digest], [digest, own])
    assert.ok(lines.some(({ status = '' }) => status.includes(`${digest} -> ${own}`)))
  })

  it('that came whole is pushed whole, with the digest that it has', async () => {
    await test.load(archive('x.test/multi:1'))
    assert.equal((await test.images.list()).length, 1)
    await test.images.tag('x.test/multi:1', `${registry.host}/copy`, '1')
    registry.blobs.clear()
    const lines = await collect(test.images.push(`${registry.host}/copy:1`))
    assert.equal(sha256(pushed('copy/manifests/1') ?? Buffer.alloc(0)), digest)
    for (const part of index.parts.keys()) assert.ok(pushed(`copy/manifests/${part}`))
    for (const blob of index.blobs.keys()) assert.ok(registry.blobs.has(blob))
    assert.ok(!lines.some(({ aux }) => aux?.manifestPushedInsteadOfIndex))
    const { RepoDigests } = await test.images.inspect(`${registry.host}/copy:1`)
    assert.deepEqual(RepoDigests, [`${registry.host}/copy@${digest}`])
  })

  it('pushes the one image that a platform is named for, whole or not', async () => {
    await test.load(archive('x.test/multi:1'))
    await test.images.tag('x.test/multi:1', `${registry.host}/one`, '1')
    for (const [at, platform] of ['linux/amd64', 'linux/arm64'].entries()) {
      await collect(test.images.push(`${registry.host}/one:1`, { platform }))
      assert.equal(
        sha256(pushed('one/manifests/1') ?? Buffer.alloc(0)),
        [...index.parts.keys()][at],
      )
    }
    await assert.rejects(
      collect(test.images.push(`${registry.host}/one:1`, { platform: 'linux/s390x' })),
      { code: 'NOT_FOUND', message: /does not match the specified platform \(linux\/s390x\)/ },
    )
  })

  it('goes through save and load whole, under its names and without any', async () => {
    await test.load(archive('x.test/multi:1'))
    for (const name of ['x.test/multi:1', (await test.images.inspect('x.test/multi:1')).Id ?? '']) {
      const saved = await buffer(await test.images.save([name]))
      const other = await TestImages.open()
      try {
        const [line = ''] = await other.load(saved)
        const found = line.replace(/^Loaded image( ID)?: /, '')
        const { Descriptor, Manifests = [] } = await other.images.inspect(found, {
          manifests: true,
        })
        assert.equal(Descriptor?.digest, digest)
        assert.deepEqual(
          Manifests?.map(({ Available }) => Available),
          [true, true, true],
        )
        assert.deepEqual(other.onDisk(), test.onDisk())
        await other.images.remove(found, { force: true })
        assert.deepEqual(other.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
      } finally {
        await other.close()
      }
    }
  })

  it('gives and takes the image for a platform by save and load', async () => {
    const lines = await collect(test.images.load(streamOf(archive()), { platform: 'linux/arm64' }))
    const id = /sha256:[0-9a-f]+/.exec(lines.at(-1)?.stream ?? '')?.[0] ?? ''
    assert.equal((await test.images.inspect(id)).Architecture, 'arm64')
    await test.images.remove(id)
    await assert.rejects(
      collect(test.images.load(streamOf(archive()), { platform: 'linux/s390x' })),
      { code: 'NOT_FOUND', message: /platform \(linux\/s390x\) not found/ },
    )

    await test.load(archive('x.test/multi:1'))
    const saved = await buffer(
      await test.images.save(['x.test/multi:1'], { platforms: ['linux/arm64'] }),
    )
    const other = await TestImages.open()
    try {
      await other.load(saved)
      const image = await other.images.inspect('x.test/multi:1', { manifests: true })
      assert.equal(image.Architecture, 'arm64')
      assert.deepEqual(
        image.Manifests?.map(({ Available }) => Available),
        [false, true, false],
      )
    } finally {
      await other.close()
    }
    await assert.rejects(test.images.save(['x.test/multi:1'], { platforms: ['linux/s390x'] }), {
      code: 'NOT_FOUND',
    })
  })

  it('belongs to a name: another name of the same image may stand for another index', async () => {
    const lone = platformIndex({ layers }, ['amd64'])
    registry.add('lone:1', lone, OCI_INDEX)
    for (const [part, content] of lone.parts)
      registry.manifests.set(`lone/manifests/${part}`, { content, mediaType: MANIFEST })
    const names = [`${registry.host}/multi:1`, `${registry.host}/lone:1`]
    for (const name of names) await collect(test.images.pull(name))
    assert.equal((await test.images.list()).length, 1)
    const found = await Promise.all(names.map((name) => test.images.inspect(name)))
    assert.deepEqual(
      found.map(({ Descriptor }) => Descriptor?.digest),
      [digest, sha256(lone.manifest)],
    )
  })
})

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

function streamOf(content: Buffer): Readable {
  return Readable.from([content])
}
