import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { RegistryEngine, RegistrySettings } from '../../../engine/contract/registry.ts'
import { RegistryDoor, sha256 } from '../../helpers/registry-door.ts'
import { registryImage, tarOf } from '../images/archives.ts'

describe('the registry’s limits', () => {
  let door: RegistryDoor
  before(async () => {
    door = await RegistryDoor.open()
  })
  after(() => door.close())

  const registry = (): RegistryEngine => door.test.engine.registry
  async function putImage(name: string, tag: string, file: string): Promise<string> {
    const { blobs, manifest } = registryImage({ layers: [tarOf({ file })] })
    for (const content of blobs.values())
      assert.equal((await door.putBlob(name, content)).status, 201)
    assert.equal((await door.putManifest(name, tag, manifest)).status, 201)
    return sha256(manifest)
  }
  async function linked(name: string, size: number): Promise<string> {
    const content = randomBytes(size)
    assert.equal((await door.putBlob(name, content)).status, 201)
    return sha256(content)
  }
  const tagsOf = async (name: string): Promise<string[]> => (await registry().tags(name)).names
  const blobsOnDisk = (): string[] =>
    fs.readdirSync(path.join(door.test.instance.dataRoot, 'blobs/sha256')).sort()

  it('keep the last tags at each push, and free what the others had', async () => {
    await registry().setSettings({
      retention: [{ repositories: 'keep/*', tags: 'v*', except: ['v0'], keepLast: 2 }],
    })
    await putImage('keep/app', 'v2', 'two')
    await putImage('keep/app', 'v3', 'three')
    const before = blobsOnDisk()
    await putImage('keep/app', 'v0', 'none')
    await putImage('keep/app', 'other', 'other')
    const first = await putImage('keep/app', 'v4', 'four')
    assert.deepEqual(await tagsOf('keep/app'), ['other', 'v0', 'v3', 'v4'])
    assert.equal((await door.fetch(`/v2/keep/app/manifests/${first}`)).status, 200)
    assert.ok(!before.every((blob) => blobsOnDisk().includes(blob)))
    const names = (await door.test.engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? [])
    assert.ok(!names.includes(`${door.host}/keep/app:v2`))
    assert.ok(names.includes(`${door.host}/keep/app:v3`))
  })

  it('take what was pushed before, and not what was just pushed, when the clock is set back', async (t) => {
    await registry().setSettings({ retention: [{ repositories: 'clock/*', keepLast: 1 }] })
    await putImage('clock/app', 'first', 'first')
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 3600_000 })
    await putImage('clock/app', 'second', 'second')
    assert.deepEqual(await tagsOf('clock/app'), ['second'])
    await putImage('clock/app', 'third', 'third')
    assert.deepEqual(await tagsOf('clock/app'), ['third'])
  })

  it('spare what a container stands on', async () => {
    await registry().setSettings({ retention: [{ repositories: 'used/*', keepLast: 1 }] })
    const old = await putImage('used/app', 'old', 'old')
    const Image = `${door.host}/used/app:old`
    const { Id } = await door.test.engine.containers.create({ Image, Cmd: ['x'] })
    await putImage('used/app', 'new', 'new')
    assert.deepEqual(await tagsOf('used/app'), ['new', 'old'])
    await door.test.engine.containers.remove(Id)
    const { removed } = await registry().collectGarbage()
    assert.deepEqual(removed, ['used/app:old', `used/app@${old}`])
    assert.deepEqual(await tagsOf('used/app'), ['new'])
  })

  it('wait with a manifest that a client has found there for the index that it is pushing', async (t) => {
    await registry().setSettings({ retention: [{ repositories: 'index/*', keepLast: 1 }] })
    const child = await putImage('index/app', 'child', 'child')
    const at = `/v2/index/app/manifests/${child}`
    const size = Number((await door.fetch(at, { method: 'HEAD' })).headers.get('content-length'))
    // meanwhile somebody else pushes
    await putImage('index/app', 'other', 'other')
    const index = {
      schemaVersion: 2,
      manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: child, size }],
    }
    const put = await door.fetch('/v2/index/app/manifests/all', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/vnd.oci.image.index.v1+json' },
      body: JSON.stringify(index),
    })
    assert.equal(put.status, 201)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 11 * 60_000 })
    await registry().collectGarbage()
    assert.deepEqual(await tagsOf('index/app'), ['all'])
    assert.equal((await door.fetch(at)).status, 200)
  })

  it('let a tag that somebody takes away go with what nothing else needs', async () => {
    await registry().setSettings({})
    const before = blobsOnDisk()
    const digest = await putImage('taken/app', 'v1', 'taken')
    await putImage('taken/app', 'v2', 'taken')
    await putImage('taken/app', 'other', 'not taken')
    assert.deepEqual(await registry().removeTag('taken/app', 'v1'), { removed: ['taken/app:v1'] })
    await assert.rejects(registry().removeTag('taken/app', 'v1'), { reason: 'MANIFEST_UNKNOWN' })
    const { removed } = await registry().removeTag('taken/app', 'v2')
    assert.deepEqual(removed, ['taken/app:v2', `taken/app@${digest}`])
    assert.deepEqual(await tagsOf('taken/app'), ['other'])
    await registry().removeTag('taken/app', 'other')
    assert.deepEqual(blobsOnDisk(), before)
  })

  it('free at once what is deleted, also when it has been pulled', async () => {
    await registry().setSettings({})
    const digest = await putImage('freed/app', 'v1', randomBytes(3000).toString('hex'))
    const manifest = (await (await door.fetch(`/v2/freed/app/manifests/${digest}`)).json()) as {
      layers: { digest: string }[]
    }
    const layer = manifest.layers[0]?.digest ?? ''
    await (await door.fetch(`/v2/freed/app/blobs/${layer}`)).arrayBuffer()
    assert.ok(blobsOnDisk().includes(layer.slice(7)))
    await door.fetch(`/v2/freed/app/manifests/${digest}`, { method: 'DELETE' })
    assert.ok(!blobsOnDisk().includes(layer.slice(7)))
  })

  it('keep back for a push under way what it was told is there, out of sight and beside the quota', async () => {
    await registry().setSettings({ quotas: [{ namespace: 'told', bytes: 10_000 }] })
    const layer = randomBytes(6000)
    const config = Buffer.from('{}')
    const at = `/v2/told/app/blobs/${sha256(layer)}`
    const part = (content: Buffer): object => ({
      mediaType: 'application/vnd.example.data',
      digest: sha256(content),
      size: content.length,
    })
    const manifest = (word: string): Buffer =>
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          config: part(config),
          layers: [part(layer)],
          annotations: { word },
        }),
      )
    const put = async (content: Buffer): Promise<number> => {
      const headers = { 'Content-Type': 'application/vnd.oci.image.manifest.v1+json' }
      const where = `/v2/told/app/manifests/${sha256(content)}`
      return (await door.fetch(where, { method: 'PUT', headers, body: content })).status
    }
    const remove = async (content: Buffer): Promise<void> => {
      const where = `/v2/told/app/manifests/${sha256(content)}`
      assert.equal((await door.fetch(where, { method: 'DELETE' })).status, 202)
    }
    const used = async (): Promise<number> => (await registry().usage()).quotas[0]?.used ?? NaN
    await door.putBlob('told/app', config)
    await door.putBlob('told/app', layer)
    assert.equal(await put(manifest('first')), 201)
    // a client of a push asks, and then the last manifest that names it goes
    assert.equal((await door.fetch(at, { method: 'HEAD' })).status, 200)
    await remove(manifest('first'))
    for (const method of ['HEAD', 'GET'])
      assert.equal((await door.fetch(at, { method })).status, 404)
    assert.equal(await used(), 0)
    await registry().collectGarbage()
    await door.putBlob('told/app', config)
    assert.equal(await put(manifest('second')), 201)
    assert.deepEqual(Buffer.from(await (await door.fetch(at)).arrayBuffer()), layer)
    // named again it counts again
    await door.fetch(at, { method: 'HEAD' })
    await remove(manifest('second'))
    assert.equal((await door.putBlob('told/app', randomBytes(8000))).status, 201)
    await door.putBlob('told/app', config)
    assert.equal(await put(manifest('third')), 403)
    assert.ok((await used()) <= 10_000)
  })

  it('are tried before they are set: what would go, and how much that frees', async () => {
    await registry().setSettings({})
    const old = await putImage('try/app', 'old', randomBytes(5000).toString('hex'))
    await putImage('try/app', 'new', 'new')
    const rules = { retention: [{ repositories: 'try/*', keepLast: 1 }] }
    const { bytes, manifests, tags } = await registry().planCollection(rules)
    assert.deepEqual(
      tags.map(({ digest, repository, tag }) => [repository, tag, digest]),
      [['try/app', 'old', old]],
    )
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [old],
    )
    assert.ok(bytes > 5000 && bytes < 20_000, String(bytes))
    assert.deepEqual(await tagsOf('try/app'), ['new', 'old'])
    assert.deepEqual(await registry().planCollection(), { tags: [], manifests: [], bytes: 0 })
    await assert.rejects(registry().planCollection({ retention: [{ repositories: '[' }] }), {
      code: 'INVALID_PARAMETER',
    })
    const usedBefore = (await registry().usage()).bytes
    await registry().setSettings(rules)
    await registry().collectGarbage()
    assert.equal(usedBefore - (await registry().usage()).bytes, bytes)
  })

  it('let go of blobs that no manifest came for', async () => {
    await registry().setSettings({})
    const content = randomBytes(1000)
    await door.putBlob('loose/app', content)
    await registry().collectGarbage()
    const at = `/v2/loose/app/blobs/${sha256(content)}`
    assert.equal((await door.fetch(at)).status, 200)
    await door.test.reopenAround(() => {
      const link = path.join(
        door.test.instance.dataRoot,
        'registry/loose~app/blobs',
        sha256(content).slice(7),
      )
      const yesterday = new Date(Date.now() - 25 * 3600 * 1000)
      fs.utimesSync(link, yesterday, yesterday)
    })
    await registry().collectGarbage()
    assert.equal((await door.fetch(at)).status, 404)
    assert.ok(!blobsOnDisk().includes(sha256(content).slice(7)))
  })

  it('count what the registry alone needs beside Docker’s kinds of usage', async () => {
    await registry().setSettings({})
    const { onlyHere: before } = await registry().usage()
    const alone = randomBytes(7000)
    await door.putBlob('alone/app', alone)
    await putImage('alone/app', 'image', 'an image of the engine as well')
    const usage = await registry().usage()
    const found = usage.repositories.find(({ name }) => name === 'alone/app')
    assert.equal(found?.tags, 1)
    assert.ok(found.bytes > 7000)
    // the image's blobs are the engine's, too
    assert.equal(usage.onlyHere.bytes - before.bytes, alone.length)
    const df = await door.test.engine.system.diskUsage()
    assert.equal(df.Gantry?.RegistryUsage.TotalSize, usage.onlyHere.bytes)
    assert.equal((await door.test.engine.system.diskUsage({ types: ['image'] })).Gantry, undefined)
    const described = await registry().describe('alone/app', 'image')
    assert.equal(described.kind, 'image')
    assert.equal(described.platforms.length, 1)
  })

  it('hold a namespace to its quota, what is shared counted once', async () => {
    const shared = randomBytes(6000)
    await registry().setSettings({ quotas: [{ namespace: 'small', bytes: 10_000 }] })
    const refused = async (response: Response): Promise<void> => {
      assert.equal(response.status, 403)
      const { errors } = (await response.json()) as { errors: { code: string; message: string }[] }
      assert.equal(errors[0]?.code, 'DENIED')
      assert.match(errors[0].message, /the quota of small leaves \d+ bytes/)
    }
    assert.equal((await door.putBlob('small/a', shared)).status, 201)
    await refused(await door.putBlob('small/b', randomBytes(5000)))
    // in another repository of the namespace it is no more than it was
    const mount = `/v2/small/b/blobs/uploads/?mount=${sha256(shared)}&from=small/a`
    assert.equal((await door.fetch(mount, { method: 'POST' })).status, 201)
    assert.equal((await door.putBlob('small/b', randomBytes(4000))).status, 201)
    await refused(await door.fetch('/v2/small/c/blobs/uploads/', { method: 'POST' }))
    // others have nothing to do with it
    assert.equal((await door.putBlob('smaller', randomBytes(20_000))).status, 201)
    for (const name of ['small/a', 'small/b'])
      await door.fetch(`/v2/${name}/blobs/${sha256(shared)}`, { method: 'DELETE' })
    assert.equal((await door.putBlob('small/b', randomBytes(5000))).status, 201)
  })

  it('count what is being uploaded, and take none of what would exceed them', async () => {
    await registry().setSettings({ quotas: [{ namespace: 'busy', bytes: 10_000 }] })
    const bodies = [0, 1].map(() => new PassThrough())
    const [first, second] = await Promise.all(
      bodies.map(async (body) => {
        const upload = await registry().beginUpload('busy/app')
        return { upload, received: registry().appendUpload('busy/app', upload, body) }
      }),
    )
    assert.ok(first && second)
    const content = randomBytes(6000)
    bodies[0]?.write(content)
    while ((await registry().uploadSize('busy/app', first.upload)) < content.length)
      await setTimeout(5)
    assert.equal((await registry().usage()).quotas[0]?.used, 6000)
    // neither is more than the quota, both together are
    bodies[1]?.write(randomBytes(6000))
    await assert.rejects(second.received, {
      reason: 'DENIED',
      message: /the quota of busy leaves 4000 bytes beside 6000 bytes of uploads under way/,
    })
    await assert.rejects(registry().mountBlob('busy/b', await linked('other/b', 5000)), {
      reason: 'DENIED',
    })
    // what was refused counts no more, what goes on is not disturbed, and it counts once at its end
    assert.equal((await registry().usage()).quotas[0]?.used, 6000)
    bodies[0]?.end()
    await first.received
    await registry().finishUpload('busy/app', first.upload, sha256(content))
    assert.equal((await registry().usage()).quotas[0]?.used, 6000)
    assert.equal((await door.putBlob('busy/app', randomBytes(4000))).status, 201)
    assert.deepEqual(fs.readdirSync(path.join(door.test.instance.dataRoot, 'uploads')), [])
  })

  it('are not taken up by uploads that nobody goes on with', async () => {
    await registry().setSettings({ quotas: [{ namespace: 'left', bytes: 10_000 }] })
    const upload = await registry().beginUpload('left/app')
    await registry().appendUpload('left/app', upload, Readable.from([randomBytes(8000)]))
    const response = await door.putBlob('left/app', randomBytes(5000))
    assert.equal(response.status, 403)
    await door.test.reopenAround(() => {
      const root = path.join(door.test.instance.dataRoot, 'uploads')
      const earlier = new Date(Date.now() - 11 * 60_000)
      for (const name of fs.readdirSync(root))
        fs.utimesSync(path.join(root, name), earlier, earlier)
    })
    assert.equal((await registry().usage()).quotas[0]?.used, 8000)
    assert.equal((await door.putBlob('left/app', randomBytes(5000))).status, 201)
    await assert.rejects(registry().uploadSize('left/app', upload), {
      reason: 'BLOB_UPLOAD_UNKNOWN',
    })
    assert.equal((await registry().usage()).quotas[0]?.used, 5000)
  })

  it('are kept in a document, and refused when they are none', async () => {
    const settings = { untaggedDays: 30, quotas: [{ namespace: 'a/b', bytes: 5 }] }
    await registry().setSettings(settings)
    await door.test.reopen()
    assert.deepEqual(await registry().settings(), { ...settings, retention: [] })
    const wrong: object[] = [
      { untaggedDays: 0 },
      { retention: [{ repositories: '*' }] },
      { retention: [{ repositories: '[', keepLast: 1 }] },
      { retention: [{ repositories: '*', keepLast: 0 }] },
      { quotas: [{ namespace: '../x', bytes: 1 }] },
      { unknown: true },
    ]
    for (const each of wrong)
      await assert.rejects(registry().setSettings(each as RegistrySettings), {
        code: 'INVALID_PARAMETER',
        message: /invalid registry settings/,
      })
    await door.test.reopenAround(() => {
      const file = path.join(door.test.instance.dataRoot, 'registry/~settings.json')
      fs.writeFileSync(file, 'broken')
    })
    assert.deepEqual(await registry().settings(), { untaggedDays: null, retention: [], quotas: [] })
    assert.match(door.test.warnings.join('\n'), /quotas are out of force/)
  })
})
