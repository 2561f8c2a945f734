import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DEFAULT_LIMITS } from '../../../engine/store/limits.ts'
import { tarHeader } from '../../../engine/tar/header.ts'
import type { TarHeader } from '../../../engine/tar/header.ts'
import { encodeHeader, TAR_END } from '../../../engine/tar/write.ts'
import { configOf, dockerArchive, ociArchive, registryImage, sha256, tarOf } from './archives.ts'
import { TestImages } from './image-engine.ts'

const base = tarOf({ 'etc/': '', 'etc/passwd': 'root:x:0:0:::\n' })
const top = tarOf({ top: 'top' })
const evil = tarOf({ 'etc/': '', 'etc/passwd': 'evil::0:0:::\n' })

describe('load() of an archive that is not what it says', () => {
  let test: TestImages
  beforeEach(async () => {
    test = await TestImages.open()
  })
  afterEach(() => test.close())

  /** The image's manifest with something else in it. */
  function changed(change: (manifest: Manifest, blobs: Map<string, Buffer>) => void): Buffer {
    const image = registryImage({ layers: [base, top] })
    const manifest = JSON.parse(image.manifest.toString()) as Manifest
    change(manifest, image.blobs)
    const content = Buffer.from(JSON.stringify(manifest))
    return ociArchive({ manifest: content, blobs: image.blobs, name: 'x.test/app:1' })
  }

  it('takes no archive for a layer that is here unless it holds that layer', async () => {
    await test.load(dockerArchive({ layers: [base, top], tags: ['app:1'] }))
    const before = await buffer(await test.images.save(['app:1']))
    const replaced = changed(({ layers }, blobs) => {
      const content = gzipSync(evil)
      blobs.set(sha256(content), content)
      layers[0] = { ...layers[0], digest: sha256(content), size: content.length }
    })
    const message = new RegExp(`expected ${sha256(base)}, got ${sha256(evil)}`)
    await assert.rejects(test.load(replaced), { code: 'INVALID_PARAMETER', message })
    const inDockersForm = tarOf({
      config: configOf({ layers: [base, top] }),
      one: evil,
      two: top,
      'manifest.json': JSON.stringify([{ Config: 'config', Layers: ['one', 'two'] }]),
    })
    await assert.rejects(test.load(inDockersForm), { code: 'INVALID_PARAMETER', message })
    assert.deepEqual(await buffer(await test.images.save(['app:1'])), before)

    // the same in another compression is the same layer
    const again = changed(({ layers }, blobs) => {
      const content = gzipSync(base, { level: 9 })
      blobs.set(sha256(content), content)
      layers[0] = { ...layers[0], digest: sha256(content), size: content.length }
    })
    assert.deepEqual(await test.load(again), ['Loaded image: x.test/app:1'])
    assert.equal((await test.images.list()).length, 1)
  })

  it('takes an image that has a layer twice', async () => {
    await test.load(dockerArchive({ layers: [base, top, top, base], tags: ['twice'] }))
    assert.equal((await test.images.inspect('twice')).RootFS?.Layers?.length, 4)
  })

  for (const [what, change, message] of [
    [
      'a layer of another size',
      ({ layers }) => {
        layers[0] = { ...layers[0], size: 7 }
      },
      /has \d+ bytes, 7 are told/,
    ],
    [
      'a config of another size',
      ({ config }) => {
        config.size = 7
      },
      /has \d+ bytes, 7 are told/,
    ],
    [
      'a config with other content',
      ({ config }, blobs) => {
        blobs.set(config.digest, configOf({ layers: [evil, top] }))
      },
      /has other content/,
    ],
    [
      'a layer with other content',
      ({ layers }, blobs) => {
        blobs.set(layers[0]?.digest ?? '', gzipSync(evil))
      },
      /has other content/,
    ],
    [
      'a layer that is missing',
      ({ layers }, blobs) => {
        blobs.delete(layers[1]?.digest ?? '')
      },
      /is missing/,
    ],
    [
      'a manifest of ten megabytes',
      (manifest) => {
        manifest.annotations = { big: 'x'.repeat(10 << 20) }
      },
      /bytes, of 4194304 that such a document may have/,
    ],
  ] as [string, (manifest: Manifest, blobs: Map<string, Buffer>) => void, RegExp][]) {
    it(`refuses ${what} and leaves nothing behind`, async () => {
      await refusedWhole(changed(change), message)
    })
  }

  it('follows no link out of the archive, and takes no device for a blob', async () => {
    const config = configOf({ layers: [base] })
    const manifest = JSON.stringify([{ Config: 'config', Layers: ['layer'] }])
    const withLayer = (header: Partial<TarHeader>): Buffer =>
      Buffer.concat([
        encodeHeader(tarHeader({ type: 'symlink', name: 'layer', ...header })),
        tarOf({ config, 'manifest.json': manifest }),
      ])
    for (const header of [
      { linkName: '/etc/passwd' },
      { linkName: '../../../../etc/passwd' },
      { linkName: 'layer' },
      { type: 'link', linkName: '/etc/passwd' },
      { type: 'char', deviceMajor: 1, deviceMinor: 5 },
      { type: 'fifo' },
    ] as Partial<TarHeader>[])
      await refusedWhole(withLayer(header), /layer is missing/)
    const outside = JSON.stringify([{ Config: '/etc/passwd', Layers: [] }])
    await refusedWhole(tarOf({ 'manifest.json': outside }), /\/etc\/passwd is missing/)
  })

  it('goes by the last of several members of one name, as tar does', async () => {
    const archive = dockerArchive({ layers: [base], tags: ['last'] })
    const first = tarOf({ 'manifest.json': '[{' }).subarray(0, 1024)
    assert.deepEqual(await test.load(Buffer.concat([first, archive])), [
      'Loaded image: last:latest',
    ])
    assert.equal(test.onDisk().partial, 0)
  })

  it('refuses a header whose checksum is wrong, and what is cut short, compressed or not', async () => {
    const archive = dockerArchive({ layers: [base], tags: ['app'] })
    const flipped = Buffer.from(archive)
    flipped[3] = (flipped[3] ?? 0) ^ 1
    await refusedWhole(flipped, /invalid tar/)
    const compressed = gzipSync(archive)
    await refusedWhole(compressed.subarray(0, compressed.length >> 1), /broken gzip data/)
  })

  it('refuses more than it may unpack to, and says by which setting', async () => {
    const zeros = gzipSync(dockerArchive({ layers: [tarOf({ zeros: Buffer.alloc(8 << 20) })] }))
    test.limits = { ...DEFAULT_LIMITS, maxBytes: 4 << 20 }
    await test.reopen()
    await refusedWhole(zeros, /more than 4194304 bytes \(GANTRY_UNPACK_MAX_BYTES\)/)
    // the archive itself is small, but not what is in it
    const inside = registryImage({ layers: [tarOf({ zeros: Buffer.alloc(8 << 20) })] })
    await refusedWhole(ociArchive(inside), /unpacks to more than 4194304 bytes \(GANTRY_/)
    test.limits = { ...DEFAULT_LIMITS, ratioFromBytes: 1 << 20 }
    await test.reopen()
    await refusedWhole(zeros, /decompression bomb/)
    test.limits = { ...DEFAULT_LIMITS, maxEntries: 3 }
    await test.reopen()
    await refusedWhole(
      dockerArchive({ layers: [tarOf({ a: '', b: '', c: '', d: '' })] }),
      /more than 3 members \(GANTRY_UNPACK_MAX_FILES\)/,
    )
  })

  it('refuses an archive of more members than images have', async () => {
    const member = encodeHeader(tarHeader({ type: 'dir', name: 'd' }))
    const many = Buffer.concat([...Array.from({ length: 70_000 }, () => member), TAR_END])
    await refusedWhole(gzipSync(many, { level: 1 }), /more than 65536 members/)
  })

  async function refusedWhole(archive: Buffer, message: RegExp): Promise<void> {
    await assert.rejects(test.load(archive), { code: 'INVALID_PARAMETER', message })
    assert.deepEqual(test.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
    assert.deepEqual(await test.images.list(), [])
  }
})

interface Manifest {
  config: { digest: string; size: number }
  layers: { digest?: string; size?: number }[]
  annotations?: Record<string, string>
}
