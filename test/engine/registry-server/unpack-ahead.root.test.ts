import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { patient } from '../../helpers/patience.ts'
import { RegistryDoor, sha256 } from '../../helpers/registry-door.ts'
import { registryImage, tarOf } from '../images/archives.ts'

describe('a layer that was pushed, before its manifest is', () => {
  let door: RegistryDoor
  before(async () => {
    door = await RegistryDoor.open()
  })
  after(() => door.close())

  async function putBlob(name: string, content: Buffer): Promise<void> {
    assert.equal((await door.putBlob(name, content)).status, 201)
  }
  async function putManifest(name: string, reference: string, manifest: Buffer): Promise<void> {
    assert.equal((await door.putManifest(name, reference, manifest)).status, 201)
  }
  const layersRoot = (): string => path.join(door.test.instance.dataRoot, 'layers')
  const ahead = (): string[] =>
    fs.readdirSync(layersRoot()).filter((name) => name.startsWith('tmp-'))
  /** Inodes of a file, by where it is unpacked. */
  const inodesOf = (file: string): number[] =>
    fs
      .readdirSync(layersRoot())
      .map((name) => path.join(layersRoot(), name, 'fs', file))
      .filter((each) => fs.existsSync(each))
      .map((each) => fs.statSync(each).ino)

  it('is unpacked already, once, and becomes the image’s by the manifest', async () => {
    const { blobs, manifest } = registryImage({ layers: [tarOf({ early: 'bird' })] })
    for (const content of blobs.values()) await putBlob('ahead/app', content)
    await until(() => inodesOf('early').length === 1)
    const unpacked = inodesOf('early')
    for (const content of blobs.values()) await putBlob('ahead/again', content)
    await putManifest('ahead/app', '1', manifest)
    assert.deepEqual(inodesOf('early'), unpacked)
    assert.deepEqual(ahead(), [])
    const names = (await door.test.engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? [])
    assert.ok(names.includes(`${door.host}/ahead/app:1`))
  })

  it('goes when the manifest makes no layer of it', async () => {
    const content = gzipSync(tarOf({ chart: 'yaml' }))
    const config = Buffer.from('{}')
    await putBlob('ahead/chart', content)
    await putBlob('ahead/chart', config)
    await until(() => inodesOf('chart').length === 1)
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {
        mediaType: 'application/vnd.cncf.helm.config.v1+json',
        digest: sha256(config),
        size: config.length,
      },
      layers: [
        {
          mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
          digest: sha256(content),
          size: content.length,
        },
      ],
    }
    await putManifest('ahead/chart', '1', Buffer.from(JSON.stringify(manifest)))
    await until(() => ahead().length === 0)
    const read = await door.fetch(`/v2/ahead/chart/blobs/${sha256(content)}`)
    assert.deepEqual(Buffer.from(await read.arrayBuffer()), content)
  })

  it('goes with the engine, and is unpacked again when the manifest comes after all', async () => {
    const { blobs, manifest } = registryImage({ layers: [tarOf({ late: 'guest' })] })
    for (const content of blobs.values()) await putBlob('ahead/late', content)
    await until(() => inodesOf('late').length === 1)
    await door.test.reopen()
    assert.deepEqual(ahead(), [])
    await putManifest('ahead/late', '1', manifest)
    assert.equal(inodesOf('late').length, 1)
    assert.deepEqual(ahead(), [])
  })
})

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + patient(20_000); !isSo(); await sleep(10))
    assert.ok(Date.now() < end, 'it did not come about')
}
