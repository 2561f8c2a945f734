import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { MockRegistry } from '../registry/mock-registry.ts'
import { dockerArchive, registryImage, sha256, tarOf } from './archives.ts'
import { collect, TestImages } from './image-engine.ts'

const big = tarOf({ big: randomBytes(4 << 20) })

describe('save()', () => {
  let test: TestImages
  let registry: MockRegistry
  before(async () => {
    registry = await MockRegistry.start()
    registry.add('app:1', registryImage({ layers: [tarOf({ base: 'base' }), big] }))
  })
  after(() => registry.close())
  beforeEach(async () => {
    test = await TestImages.open()
  })
  afterEach(() => test.close())

  it('keeps manifest and layers as they were pulled: loaded elsewhere, the image has the same digests', async () => {
    const name = `${registry.host}/app:1`
    await collect(test.images.pull(name))
    const before = await test.images.inspect(name)
    const archive = await buffer(await test.images.save([name]))
    await test.images.remove(name, { force: true })
    assert.deepEqual(await test.load(archive), [`Loaded image: ${name}`])
    const { Id, Descriptor } = await test.images.inspect(name)
    assert.deepEqual({ Id, Descriptor }, { Id: before.Id, Descriptor: before.Descriptor })
  })

  it('is whole though the image is removed meanwhile, and lets go of it at the end', async () => {
    await test.load(dockerArchive({ layers: [big], tags: ['gone:1'] }))
    const stream = await test.images.save(['gone:1'])
    await test.images.remove('gone:1')
    assert.notEqual(test.onDisk().blobs, 0)
    const archive = await buffer(stream)
    assert.deepEqual(await test.load(archive), ['Loaded image: gone:1'])
    await test.images.remove('gone:1')
    assert.equal(test.onDisk().blobs, 0)
    assert.ok(test.events.some(({ action }) => action === 'save'))
  })

  it('reads no further than the archive is taken, and stops when nobody does', async () => {
    await test.load(dockerArchive({ layers: [big], tags: ['slow:1'] }))
    const stop = new AbortController()
    const stream = await test.images.save(['slow:1'], {}, stop.signal)
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok(stream.readableLength < 2 << 20)
    stop.abort(new Error('enough'))
    await assert.rejects(buffer(stream), /enough/)
  })

  it('tells of an image that its parts are as old as it is', async () => {
    const created = '2026-01-02T03:04:05.999Z'
    await test.load(dockerArchive({ layers: [tarOf({ f: 'f' })], tags: ['aged:1'], created }))
    const archive = await buffer(await test.images.save(['aged:1']))
    const { Id, RootFS } = await test.images.inspect('aged:1')
    const input = { input: archive, env: { ...process.env, TZ: 'UTC' } }
    const listed = execFileSync('tar', ['-tv', '--full-time'], input).toString().split('\n')
    const timeOf = (name: string): string | undefined =>
      listed.find((line) => line.endsWith(` ${name}`))?.match(/\d{4}-\S+ [\d:]+/)?.[0]
    for (const digest of [Id ?? '', RootFS?.Layers?.[0] ?? ''])
      assert.equal(timeOf(`blobs/sha256/${digest.slice(7)}`), '2026-01-02 03:04:05')
    assert.equal(timeOf('manifest.json'), '1970-01-01 00:00:00')
  })

  it('breaks off at a blob that was damaged on disk', async () => {
    await test.load(dockerArchive({ layers: [big], tags: ['bad:1'] }))
    fs.truncateSync(path.join(test.root, 'blobs/sha256', sha256(big).slice(7)), 1 << 20)
    await assert.rejects(buffer(await test.images.save(['bad:1'])), {
      code: 'SYSTEM',
      message: /is damaged on disk/,
    })
  })

  it('says of an image for another platform that it is', async () => {
    await test.load(dockerArchive({ layers: [big], tags: ['one:1'] }))
    await assert.rejects(test.images.save(['one:1'], { platforms: ['linux/s390x'] }), {
      code: 'NOT_FOUND',
      message: /does not match the specified platform \(linux\/s390x\)/,
    })
  })
})
