import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { MockRegistry } from '../registry/mock-registry.ts'
import { dockerArchive, registryImage, sha256, tarOf } from './archives.ts'
import { collect, TestImages } from './image-engine.ts'

const base = tarOf({ 'etc/': '', 'etc/passwd': 'root:x:0:0:::\n' })
const top = tarOf({ top: 'top' })

describe('a store that something was taken from while no engine ran', () => {
  let test: TestImages
  let registry: MockRegistry
  let name: string
  const image = registryImage({ layers: [base, top] })
  beforeEach(async () => {
    test = await TestImages.open()
    registry = await MockRegistry.start()
    registry.add('app:1', image)
    name = `${registry.host}/app:1`
    await collect(test.images.pull(name))
    await test.load(dockerArchive({ layers: [tarOf({ other: 'other' })], tags: ['other'] }))
    await test.images.close()
    test.warnings.length = 0
  })
  afterEach(async () => {
    await test.images.inspect('other')
    await test.close()
    await registry.close()
  })

  const at = (...parts: string[]): string => path.join(test.root, ...parts)
  const blob = (digest: string): string => at('blobs/sha256', digest.slice(7))
  const [layer = ''] = [...image.blobs.keys()].slice(1)
  const [config = ''] = image.blobs.keys()

  it('tells of a blob that is gone; the image stays, a pull brings that blob alone', async () => {
    fs.rmSync(blob(layer))
    await test.reopen()
    assert.deepEqual(test.warnings, [
      `image ${name} lacks 1 blob, so it cannot be pushed or saved: pull or load it again`,
    ])
    assert.equal((await test.images.list()).length, 2)
    registry.requests.length = 0
    await collect(test.images.pull(name))
    assert.deepEqual(
      registry.requests.filter((url) => url.includes('/blobs/')),
      [`/v2/app/blobs/${layer}`],
    )
    await buffer(await test.images.save([name]))
    await test.reopen()
    assert.equal(test.warnings.length, 1)
  })

  it('tells of a config that is gone; the other images stay, a pull makes it an image again', async () => {
    fs.rmSync(blob(config))
    await test.reopen()
    assert.match(test.warnings.join('\n'), /is passed over, pull or load it again: blob .* not in/)
    assert.equal((await test.images.list()).length, 1)
    await collect(test.images.pull(name))
    assert.equal((await test.images.list()).length, 2)
  })

  it('tells of layers that are gone, and a pull unpacks those anew', async () => {
    const { GraphDriver } = await opened(() => test.images.inspect(name))
    fs.rmSync(path.dirname(GraphDriver?.Data?.['UpperDir'] ?? ''), { recursive: true })
    await test.reopen()
    assert.deepEqual(test.warnings, [
      `image ${name} lacks 1 of 2 layers, so it cannot be started: pull or load it again`,
    ])
    await collect(test.images.pull(name))
    const tree = GraphDriver?.Data?.['UpperDir'] ?? ''
    assert.equal(fs.readFileSync(path.join(tree, 'top'), 'utf8'), 'top')
  })

  it('clears nothing away while a document is torn, and has the image again when it is mended', async () => {
    const document = at('images', `${config.slice(7)}.json`)
    const content = fs.readFileSync(document)
    fs.truncateSync(document, 40)
    const before = test.onDisk()
    await test.reopen()
    assert.match(test.warnings.join('\n'), /mend its document.*is not valid JSON/)
    assert.equal((await test.images.list()).length, 1)
    assert.deepEqual(test.onDisk(), before)
    await test.images.close()
    fs.writeFileSync(document, content)
    await test.reopen()
    assert.equal((await test.images.inspect(name)).Descriptor?.digest, sha256(image.manifest))
    // or the image is pulled again, over it
    await test.images.close()
    fs.truncateSync(document, 40)
    await test.reopen()
    await collect(test.images.pull(name))
    assert.equal((await test.images.list()).length, 2)
  })

  it('clears away layers half unpacked, layers and blobs that nothing names, and what is no such thing', async () => {
    const before = test.onDisk()
    fs.mkdirSync(at('layers/tmp-0123456789abcdef/fs/etc'), { recursive: true })
    fs.mkdirSync(at('layers', 'a'.repeat(24), 'fs'), { recursive: true })
    fs.writeFileSync(at('blobs/sha256', 'not a digest'), 'x')
    fs.writeFileSync(at('blobs/sha256', 'b'.repeat(64)), 'of a killed engine')
    fs.writeFileSync(at('blobs/partial/t-0123456789abcdef'), 'x')
    await test.reopen()
    // it may be what an interrupted pull had: hashed before it is used
    assert.deepEqual(test.onDisk(), { ...before, partial: 1 })
    assert.deepEqual(test.warnings, [])
    fs.rmSync(at('blobs/partial', 'b'.repeat(64)))
  })

  async function opened<T>(work: () => Promise<T>): Promise<T> {
    await test.reopen()
    const result = await work()
    await test.images.close()
    return result
  }
})
