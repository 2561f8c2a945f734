import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { RegistryDoor, sha256, USER } from '../../helpers/registry-door.ts'
import { configOf, tarOf } from '../images/archives.ts'
import { collect, TestImages } from '../images/image-engine.ts'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'

const sha512 = (content: Buffer): string =>
  `sha512:${createHash('sha512').update(content).digest('hex')}`

describe('content by its sha512 digest', () => {
  let door: RegistryDoor
  before(async () => {
    door = await RegistryDoor.open()
  })
  after(() => door.close())

  async function putBlob(name: string, content: Buffer, digest = sha512(content)) {
    const began = await door.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
    return await door.fetch(`${began.headers.get('location') ?? ''}?digest=${digest}`, {
      method: 'PUT',
      body: content,
    })
  }
  async function putManifest(name: string, reference: string, content: Buffer, type: string) {
    const headers = { 'Content-Type': type }
    const options = { method: 'PUT', headers, body: content }
    return await door.fetch(`/v2/${name}/manifests/${reference}`, options)
  }
  const descriptor = (content: Buffer, mediaType: string) => ({
    mediaType,
    digest: sha512(content),
    size: content.length,
  })
  /** An image whose manifest names all of it so. */
  async function putImage(name: string, files: Record<string, string>): Promise<Buffer> {
    const tar = tarOf(files)
    const layer = gzipSync(tar)
    const config = configOf({ layers: [tar] })
    for (const content of [layer, config]) assert.equal((await putBlob(name, content)).status, 201)
    return Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
        layers: [descriptor(layer, 'application/vnd.oci.image.layer.v1.tar+gzip')],
      }),
    )
  }
  const onDisk = (content: Buffer): boolean =>
    fs.existsSync(
      path.join(door.test.instance.dataRoot, 'blobs', sha512(content).replace(':', '/')),
    )

  it('is verified, kept over a restart, served, mounted and deleted', async () => {
    const content = randomBytes(100_000)
    const other = await putBlob('blobs/a', content, sha512(Buffer.from('other')))
    assert.equal(other.status, 400)
    assert.match(await other.text(), /DIGEST_INVALID.*sha512:/)
    for (const none of ['sha512:short', `sha384:${'0'.repeat(96)}`, `sha512:${'0'.repeat(64)}`])
      assert.equal((await putBlob('blobs/a', content, none)).status, 400)
    const put = await putBlob('blobs/a', content)
    assert.equal(put.status, 201)
    assert.equal(put.headers.get('docker-content-digest'), sha512(content))
    await door.test.reopen()
    const at = `/v2/blobs/a/blobs/${sha512(content)}`
    assert.deepEqual(Buffer.from(await (await door.fetch(at)).arrayBuffer()), content)
    const mount = `/v2/blobs/b/blobs/uploads/?mount=${sha512(content)}&from=blobs/a`
    assert.equal((await door.fetch(mount, { method: 'POST' })).status, 201)
    for (const name of ['a', 'b']) {
      assert.ok(onDisk(content))
      const blob = `/v2/blobs/${name}/blobs/${sha512(content)}`
      assert.equal((await door.fetch(blob, { method: 'DELETE' })).status, 202)
    }
    assert.ok(!onDisk(content))
    assert.equal((await door.fetch(at)).status, 404)
  })

  it('names manifests, indexes and what is about them', async () => {
    const manifest = await putImage('names/app', { file: 'named' })
    const wrong = await putManifest('names/app', sha512(Buffer.from('x')), manifest, OCI_MANIFEST)
    assert.equal(wrong.status, 400)
    const put = await putManifest('names/app', sha512(manifest), manifest, OCI_MANIFEST)
    assert.equal(put.status, 201)
    assert.equal(put.headers.get('docker-content-digest'), sha512(manifest))
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        subject: descriptor(manifest, OCI_MANIFEST),
        manifests: [descriptor(manifest, OCI_MANIFEST)],
      }),
    )
    assert.equal((await putManifest('names/app', 'all', index, OCI_INDEX)).status, 201)
    await door.test.reopen()
    const got = await door.fetch(`/v2/names/app/manifests/${sha512(manifest)}`)
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), manifest)
    assert.equal(got.headers.get('docker-content-digest'), sha512(manifest))
    const told = await door.fetch(`/v2/names/app/referrers/${sha512(manifest)}`)
    const { manifests } = (await told.json()) as { manifests: { digest: string }[] }
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [sha256(index)],
    )
  })

  it('makes images as any: run from the registry, pulled by it, saved and loaded', async (t) => {
    const manifest = await putImage('run/app', { 'etc/motd': 'by sha512' })
    for (const reference of ['1', sha512(manifest)])
      assert.equal((await putManifest('run/app', reference, manifest, OCI_MANIFEST)).status, 201)
    const { Id } = await door.test.engine.images.inspect(`${door.host}/run/app:1`)
    const auth = { username: USER.name, password: USER.password }
    const pulling = await TestImages.open()
    t.after(() => pulling.close())
    const reference = `${door.host}/run/app@${sha512(manifest)}`
    await collect(pulling.images.pull(reference, { auth }))
    await pulling.reopen()
    const pulled = await pulling.images.inspect(reference)
    assert.equal(pulled.Id, Id)
    assert.deepEqual(pulled.RepoDigests, [reference])
    await pulling.images.tag(reference, 'kept', '1')
    const saved = await buffer(await pulling.images.save(['kept:1']))
    const loading = await TestImages.open()
    t.after(() => loading.close())
    await loading.load(saved)
    const motd = await buffer(await loading.images.files('kept:1'))
    assert.match(motd.toString('latin1'), /by sha512/)
    assert.equal((await loading.images.inspect('kept:1')).Id, Id)
    await loading.images.remove('kept:1')
    assert.deepEqual(loading.onDisk(), { layers: 0, temporary: 0, blobs: 0, partial: 0 })
    assert.deepEqual(fs.readdirSync(path.join(loading.root, 'blobs/sha512')), [])
  })
})
