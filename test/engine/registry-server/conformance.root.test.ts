import assert from 'node:assert/strict'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { RegistryDoor, sha256, USER } from '../../helpers/registry-door.ts'
import { configOf, registryImage, tarOf } from '../images/archives.ts'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const OCTETS = { 'Content-Type': 'application/octet-stream' }

/** The distribution specification, sentence by sentence, at the console's door with the real engine behind it. */
describe('the registry', () => {
  let door: RegistryDoor
  before(async () => {
    door = await RegistryDoor.open()
  })
  after(() => door.close())

  const random = (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => Math.random() * 256))
  const codeOf = async (response: Response): Promise<string> => {
    const { errors } = (await response.json()) as { errors: { code: string; message: string }[] }
    assert.ok(errors[0]?.message)
    return errors[0].code
  }
  const refused = async (response: Response, status: number, code: string): Promise<void> => {
    assert.equal(`${response.status} ${await codeOf(response)}`, `${status} ${code}`)
  }
  async function begin(name: string): Promise<string> {
    const response = await door.fetch(`/v2/${name}/blobs/uploads/`, { method: 'POST' })
    assert.equal(response.status, 202)
    return response.headers.get('location') ?? ''
  }
  async function putBlob(name: string, content: Buffer): Promise<string> {
    const digest = sha256(content)
    const response = await door.fetch(`${await begin(name)}?digest=${digest}`, {
      method: 'PUT',
      headers: OCTETS,
      body: content,
    })
    assert.equal(response.status, 201)
    return digest
  }
  async function putManifest(
    name: string,
    reference: string,
    manifest: object | Buffer,
    type = OCI_MANIFEST,
  ): Promise<Response> {
    const body = Buffer.isBuffer(manifest) ? manifest : Buffer.from(JSON.stringify(manifest))
    return await door.fetch(`/v2/${name}/manifests/${reference}`, {
      method: 'PUT',
      headers: { 'Content-Type': type },
      body,
    })
  }
  const descriptor = (content: Buffer, mediaType: string): object => ({
    mediaType,
    digest: sha256(content),
    size: content.length,
  })
  /** A manifest of something that is no image, with the empty config. */
  async function artifact(name: string, more: object = {}): Promise<Buffer> {
    const empty = Buffer.from('{}')
    const content = random(20)
    await putBlob(name, empty)
    await putBlob(name, content)
    return Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: 'application/vnd.example.thing',
        config: descriptor(empty, 'application/vnd.oci.empty.v1+json'),
        layers: [descriptor(content, 'application/vnd.example.thing+data')],
        ...more,
      }),
    )
  }
  async function putImage(
    name: string,
    tag: string,
    files: Record<string, string>,
  ): Promise<string> {
    const { blobs, manifest } = registryImage({ layers: [tarOf(files)] })
    for (const content of blobs.values()) await putBlob(name, content)
    const { mediaType } = JSON.parse(manifest.toString()) as { mediaType: string }
    assert.equal((await putManifest(name, tag, manifest, mediaType)).status, 201)
    return sha256(manifest)
  }
  const blobFile = (digest: string): string =>
    path.join(door.test.instance.dataRoot, 'blobs/sha256', digest.slice(7))

  describe('lets in', () => {
    it('nobody without name and password, and asks for them as docker wants to be asked', async () => {
      for (const path of ['/v2/', '/v2', '/v2/_catalog', '/v2/team/app/manifests/latest']) {
        const response = await door.fetch(path, { auth: '' })
        assert.equal(
          response.headers.get('www-authenticate'),
          'Basic realm="Gantry", charset="UTF-8"',
        )
        await refused(response, 401, 'UNAUTHORIZED')
      }
      const wrong = `Basic ${Buffer.from(`${USER.name}:nonsense`).toString('base64')}`
      for (const auth of [wrong, 'Basic %%%', 'Bearer x', 'Basic bm9jb2xvbg=='])
        assert.equal((await door.fetch('/v2/', { auth })).status, 401)
    })

    it('the console’s users', async () => {
      const response = await door.fetch('/v2/')
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('docker-distribution-api-version'), 'registry/2.0')
      assert.equal((await door.fetch('/v2')).status, 200)
    })

    it('no request that another site makes a browser send', async () => {
      const response = await door.fetch('/v2/a/blobs/uploads/', {
        method: 'POST',
        headers: { Origin: 'http://evil.example' },
      })
      await refused(response, 403, 'DENIED')
    })
  })

  describe('blobs', () => {
    it('come by POST then PUT, and are read back with their digest', async () => {
      const content = random(70_000)
      const digest = await putBlob('blobs/mono', content)
      const head = await door.fetch(`/v2/blobs/mono/blobs/${digest}`, { method: 'HEAD' })
      assert.equal(head.status, 200)
      assert.equal(head.headers.get('content-length'), '70000')
      assert.equal(head.headers.get('docker-content-digest'), digest)
      const got = await door.fetch(`/v2/blobs/mono/blobs/${digest}`)
      assert.deepEqual(Buffer.from(await got.arrayBuffer()), content)
      assert.deepEqual(fs.readFileSync(blobFile(digest)), content)
    })

    it('come by a single POST', async () => {
      const content = random(1000)
      const digest = sha256(content)
      const response = await door.fetch(`/v2/blobs/single/blobs/uploads/?digest=${digest}`, {
        method: 'POST',
        headers: OCTETS,
        body: content,
      })
      assert.equal(response.status, 201)
      const location = response.headers.get('location') ?? ''
      assert.deepEqual(Buffer.from(await (await door.fetch(location)).arrayBuffer()), content)
    })

    it('come in chunks, which have to follow each other', async () => {
      const content = random(300)
      const location = await begin('blobs/chunks')
      const patch = (from: number, to: number, range = `${from}-${to - 1}`): Promise<Response> =>
        door.fetch(location, {
          method: 'PATCH',
          headers: { ...OCTETS, 'Content-Range': range },
          body: content.subarray(from, to),
        })
      const first = await patch(0, 100)
      assert.equal(first.status, 202)
      assert.equal(first.headers.get('range'), '0-99')
      const early = await patch(200, 300)
      assert.equal(early.headers.get('range'), '0-99')
      assert.equal(early.headers.get('location'), location)
      await refused(early, 416, 'BLOB_UPLOAD_INVALID')
      await refused(await patch(100, 200, 'nonsense'), 416, 'BLOB_UPLOAD_INVALID')
      await refused(await patch(100, 200, '100-150'), 400, 'SIZE_INVALID')
      for (const length of [60, 140]) {
        const told = await new Promise<number | undefined>((resolve, reject) => {
          const headers = { Authorization: door.authorization, 'Content-Range': '100-199' }
          const request = http.request(
            new URL(location, `http://${door.host}`),
            { method: 'PATCH', headers },
            (response) => {
              response.resume()
              resolve(response.statusCode)
            },
          )
          request.on('error', reject)
          request.write(random(length - 10))
          request.end(random(10))
        })
        assert.equal(told, 400)
      }
      const status = await door.fetch(location)
      assert.equal(`${status.status} ${status.headers.get('range')}`, '204 0-99')
      assert.equal((await patch(100, 200)).headers.get('range'), '0-199')
      const digest = sha256(content)
      const last = await door.fetch(`${location}?digest=${digest}`, {
        method: 'PUT',
        headers: { ...OCTETS, 'Content-Range': '200-299' },
        body: content.subarray(200),
      })
      assert.equal(last.status, 201)
      assert.equal(last.headers.get('docker-content-digest'), digest)
      await refused(await door.fetch(location), 404, 'BLOB_UPLOAD_UNKNOWN')
      const got = await door.fetch(last.headers.get('location') ?? '')
      assert.deepEqual(Buffer.from(await got.arrayBuffer()), content)
    })

    it('go on after a connection broke from the bytes that came', async () => {
      const content = random(200_000)
      const location = await begin('blobs/resume')
      await new Promise<void>((resolve) => {
        const request = http.request(new URL(location, `http://${door.host}`), {
          method: 'PATCH',
          headers: { Authorization: door.authorization, 'Content-Length': content.length },
        })
        request.on('error', () => resolve())
        request.write(content.subarray(0, 100_000), () => setTimeout(() => request.destroy(), 100))
      })
      const stored = async (): Promise<number> => {
        const range = (await door.fetch(location)).headers.get('range') ?? ''
        return Number(range.split('-')[1]) + 1
      }
      // what was sent before the cut is taken in a moment
      let at = await stored()
      for (let tries = 0; at !== 100_000 && tries < 200; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        at = await stored()
      }
      assert.equal(at, 100_000)
      const digest = sha256(content)
      const rest = await door.fetch(`${location}?digest=${digest}`, {
        method: 'PUT',
        headers: { ...OCTETS, 'Content-Range': `${at}-${content.length - 1}` },
        body: content.subarray(at),
      })
      assert.equal(rest.status, 201)
    })

    it('are not taken with another digest, and uploads can be cancelled', async () => {
      const location = await begin('blobs/wrong')
      const put = (digest: string): Promise<Response> =>
        door.fetch(`${location}?digest=${digest}`, { method: 'PUT', headers: OCTETS, body: 'x' })
      await refused(await put('sha256:short'), 400, 'DIGEST_INVALID')
      await refused(await put(`sha384:${'0'.repeat(96)}`), 400, 'DIGEST_INVALID')
      await refused(await put(sha256('y')), 400, 'DIGEST_INVALID')
      await refused(await door.fetch(location), 404, 'BLOB_UPLOAD_UNKNOWN')
      const other = await begin('blobs/wrong')
      assert.equal((await door.fetch(other, { method: 'DELETE' })).status, 204)
      await refused(await door.fetch(other), 404, 'BLOB_UPLOAD_UNKNOWN')
      const partial = fs.readdirSync(path.join(door.test.instance.dataRoot, 'blobs/partial'))
      assert.deepEqual(
        partial.filter((name) => name.startsWith('t-')),
        [],
      )
    })

    it('belong to the repository that they were put in; others mount them', async () => {
      const digest = await putBlob('blobs/from', random(100))
      await putBlob('blobs/into', random(100))
      const at = `/v2/blobs/into/blobs/${digest}`
      await refused(await door.fetch(at), 404, 'BLOB_UNKNOWN')
      const mount = (query: string): Promise<Response> =>
        door.fetch(`/v2/blobs/into/blobs/uploads/?${query}`, { method: 'POST' })
      const elsewhere = await mount(`mount=${digest}&from=blobs/mono`)
      assert.equal(elsewhere.status, 202)
      assert.match(elsewhere.headers.get('location') ?? '', /\/blobs\/uploads\//)
      const mounted = await mount(`mount=${digest}&from=blobs/from`)
      assert.equal(`${mounted.status} ${mounted.headers.get('location')}`, `201 ${at}`)
      assert.equal((await door.fetch(at, { method: 'HEAD' })).status, 200)
      const anywhere = await door.fetch(`/v2/blobs/third/blobs/uploads/?mount=${digest}`, {
        method: 'POST',
      })
      assert.equal(anywhere.status, 201)
    })

    it('are read by ranges', async () => {
      const content = random(1000)
      const digest = await putBlob('blobs/ranges', content)
      const part = async (range: string): Promise<[number, string | null, Buffer]> => {
        const response = await door.fetch(`/v2/blobs/ranges/blobs/${digest}`, {
          headers: { Range: range },
        })
        const body = Buffer.from(await response.arrayBuffer())
        return [response.status, response.headers.get('content-range'), body]
      }
      assert.deepEqual(await part('bytes=0-9'), [206, 'bytes 0-9/1000', content.subarray(0, 10)])
      assert.deepEqual(await part('bytes=990-'), [206, 'bytes 990-999/1000', content.subarray(990)])
      assert.deepEqual(await part('bytes=-5'), [206, 'bytes 995-999/1000', content.subarray(995)])
      assert.deepEqual(await part('bytes=900-5000'), [
        206,
        'bytes 900-999/1000',
        content.subarray(900),
      ])
      for (const whole of ['bytes=9-3', 'lines=1-2', 'bytes=0-1,5-6'])
        assert.deepEqual(await part(whole), [200, null, content])
      const [status, range] = await part('bytes=1000-')
      assert.deepEqual([status, range], [416, 'bytes */1000'])
    })

    it('are deleted unless a manifest needs them, from the disk, too', async () => {
      const loose = await putBlob('blobs/gone', random(100))
      const at = `/v2/blobs/gone/blobs/${loose}`
      assert.equal((await door.fetch(at, { method: 'DELETE' })).status, 202)
      assert.equal(fs.existsSync(blobFile(loose)), false)
      const manifest = await artifact('blobs/gone')
      await putManifest('blobs/gone', 'kept', manifest)
      const [layer] = (JSON.parse(manifest.toString()) as { layers: { digest: string }[] }).layers
      const used = `/v2/blobs/gone/blobs/${layer?.digest ?? ''}`
      await refused(await door.fetch(used, { method: 'DELETE' }), 405, 'UNSUPPORTED')
      await refused(await door.fetch(at, { method: 'DELETE' }), 404, 'BLOB_UNKNOWN')
    })

    it('cannot be put or asked for under hostile names', async () => {
      for (const name of [
        '..',
        'a/../b',
        'UPPER',
        'a//b',
        'a~b',
        '%2e%2e/x',
        `a${'b'.repeat(250)}`,
        'a%00b',
      ]) {
        const path = `/v2/x/${name}/blobs/uploads/`
        const status = await new Promise<number | undefined>((resolve, reject) => {
          // fetch would tidy the path
          http
            .request(
              {
                host: '127.0.0.1',
                port: door.host.split(':')[1],
                path,
                method: 'POST',
                headers: { Authorization: door.authorization },
              },
              (response) => {
                response.resume()
                resolve(response.statusCode)
              },
            )
            .on('error', reject)
            .end()
        })
        assert.equal(status, 400, name)
      }
      const up = await door.fetch('/v2/blobs/mono/blobs/sha256:..%2f..%2fconsole.db')
      assert.equal(up.status, 400)
    })
  })

  describe('manifests', () => {
    it('are kept byte for byte, by tag and digest, whatever they are of', async () => {
      const manifest = Buffer.from(`${(await artifact('m/kept')).toString().replace('{', '{ ')}\n`)
      const put = await putManifest('m/kept', 'v1', manifest)
      assert.equal(put.status, 201)
      const digest = sha256(manifest)
      assert.equal(put.headers.get('docker-content-digest'), digest)
      assert.equal(put.headers.get('location'), `/v2/m/kept/manifests/${digest}`)
      for (const reference of ['v1', digest]) {
        const got = await door.fetch(`/v2/m/kept/manifests/${reference}`)
        assert.equal(got.headers.get('content-type'), OCI_MANIFEST)
        assert.deepEqual(Buffer.from(await got.arrayBuffer()), manifest)
        const head = await door.fetch(`/v2/m/kept/manifests/${reference}`, { method: 'HEAD' })
        assert.equal(head.headers.get('content-length'), String(manifest.length))
        assert.equal(head.headers.get('docker-content-digest'), digest)
      }
    })

    it('are refused when they are none, too large, or another than their digest says', async () => {
      const put = (content: Buffer | object, type?: string, at = 'v1'): Promise<Response> =>
        putManifest('m/bad', at, content, type)
      const manifest = await artifact('m/bad')
      await refused(await put(Buffer.from('{')), 400, 'MANIFEST_INVALID')
      await refused(await put({}), 400, 'MANIFEST_INVALID')
      await refused(await put(manifest, 'text/html'), 400, 'MANIFEST_INVALID')
      await refused(await put(manifest, DOCKER_MANIFEST), 400, 'MANIFEST_INVALID')
      await refused(await put(manifest, OCI_MANIFEST, sha256('other')), 400, 'DIGEST_INVALID')
      await refused(await put(manifest, OCI_MANIFEST, '.bad'), 400, 'MANIFEST_INVALID')
      await refused(await put(Buffer.alloc((4 << 20) + 1, ' ')), 413, 'SIZE_INVALID')
      await refused(await put({ schemaVersion: 1, name: 'x' }), 400, 'MANIFEST_INVALID')
      const list = await door.fetch('/v2/m/bad/tags/list')
      assert.deepEqual(await list.json(), { name: 'm/bad', tags: [] })
    })

    it('name only what the repository has', async () => {
      const manifest = await artifact('m/parts')
      await refused(await putManifest('m/elsewhere', 'v1', manifest), 404, 'MANIFEST_BLOB_UNKNOWN')
      const index = {
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [descriptor(manifest, OCI_MANIFEST)],
      }
      await refused(
        await putManifest('m/parts', 'all', index, OCI_INDEX),
        404,
        'MANIFEST_BLOB_UNKNOWN',
      )
      assert.equal((await putManifest('m/parts', sha256(manifest), manifest)).status, 201)
      assert.equal((await putManifest('m/parts', 'all', index, OCI_INDEX)).status, 201)
      // and are not deleted from under an index
      const child = `/v2/m/parts/manifests/${sha256(manifest)}`
      await refused(await door.fetch(child, { method: 'DELETE' }), 405, 'UNSUPPORTED')
    })

    it('say of what they name the size that it has', async () => {
      const config = Buffer.from('{}')
      const layer = random(50)
      await putBlob('m/sizes', config)
      await putBlob('m/sizes', layer)
      const part = (content: Buffer, size = content.length): object => ({
        mediaType: 'application/vnd.example.data',
        digest: sha256(content),
        size,
      })
      const put = async (...[head, ...layers]: object[]): Promise<Response> =>
        putManifest('m/sizes', 'v1', {
          schemaVersion: 2,
          mediaType: OCI_MANIFEST,
          config: head,
          layers,
        })
      const says = async (response: Response, digest: string, words: string): Promise<void> => {
        assert.equal(response.status, 400)
        const { errors } = (await response.json()) as {
          errors: { code: string; message: string; detail?: object }[]
        }
        assert.equal(errors[0]?.code, 'SIZE_INVALID')
        assert.equal(errors[0].message, `the manifest says of ${digest} that it has ${words}`)
      }
      const [whole, empty] = [sha256(layer), sha256(config)]
      await says(await put(part(config), part(layer, 49)), whole, '49 bytes, it has 50')
      await says(await put(part(config), part(layer, 0)), whole, '0 bytes, it has 50')
      await says(await put(part(config, 3), part(layer)), empty, '3 bytes, it has 2')
      const twice = await put(part(config), part(layer), part(layer, 51))
      await says(twice, whole, '50 bytes, and 51')
      assert.equal((await put(part(config), part(layer), part(layer))).status, 201)

      const child = await artifact('m/sizes')
      await putManifest('m/sizes', sha256(child), child)
      const index = (size: number): object => ({
        schemaVersion: 2,
        mediaType: OCI_INDEX,
        manifests: [{ mediaType: OCI_MANIFEST, digest: sha256(child), size }],
      })
      const wrong = await putManifest('m/sizes', 'all', index(7), OCI_INDEX)
      await says(wrong, sha256(child), `7 bytes, it has ${child.length}`)
      const right = await putManifest('m/sizes', 'all', index(child.length), OCI_INDEX)
      assert.equal(right.status, 201)
    })

    it('are not taken when they could be read as an index, too', async () => {
      const manifest = JSON.parse((await artifact('m/both')).toString()) as { mediaType?: string }
      delete manifest.mediaType
      for (const type of [OCI_MANIFEST, OCI_INDEX]) {
        const put = await putManifest('m/both', 'v1', { ...manifest, manifests: [] }, type)
        await refused(put, 400, 'MANIFEST_INVALID')
      }
      await refused(await putManifest('m/both', 'v1', manifest, OCI_INDEX), 400, 'MANIFEST_INVALID')
      assert.equal((await putManifest('m/both', 'v1', manifest, OCI_MANIFEST)).status, 201)
    })

    it('that are put by digest get the tags that the request names, all at once', async () => {
      const manifest = await artifact('m/many')
      const put = (query: string): Promise<Response> =>
        putManifest('m/many', `${sha256(manifest)}?${query}`, manifest)
      const answer = await put('tag=1.2.3&tag=1.2&tag=latest')
      assert.equal(answer.status, 201)
      assert.equal(answer.headers.get('oci-tag'), '1.2.3, 1.2, latest')
      const tags = async (): Promise<unknown> =>
        ((await (await door.fetch('/v2/m/many/tags/list')).json()) as { tags: string[] }).tags
      assert.deepEqual(await tags(), ['1.2', '1.2.3', 'latest'])
      await refused(await put('tag=next&tag=.bad'), 400, 'MANIFEST_INVALID')
      assert.deepEqual(await tags(), ['1.2', '1.2.3', 'latest'])
    })

    it('of layers that are to be had elsewhere need those not', async () => {
      const config = Buffer.from('{}')
      await putBlob('m/foreign', config)
      const layer = {
        ...descriptor(
          Buffer.from('far'),
          'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
        ),
        urls: ['https://example.com/far'],
      }
      const manifest = {
        schemaVersion: 2,
        mediaType: DOCKER_MANIFEST,
        config: descriptor(config, 'application/vnd.docker.container.image.v1+json'),
        layers: [layer],
      }
      assert.equal((await putManifest('m/foreign', 'v1', manifest, DOCKER_MANIFEST)).status, 201)
    })

    it('are unknown where they are not', async () => {
      await putBlob('m/known', random(10))
      const unknown = (path: string, code: string): Promise<void> =>
        door.fetch(path).then((response) => refused(response, 404, code))
      await unknown('/v2/m/never/manifests/v1', 'NAME_UNKNOWN')
      await unknown('/v2/m/never/tags/list', 'NAME_UNKNOWN')
      await unknown(`/v2/m/never/blobs/${sha256('x')}`, 'NAME_UNKNOWN')
      await unknown('/v2/m/known/manifests/v1', 'MANIFEST_UNKNOWN')
      await unknown('/v2/m/known/manifests/.INVALID', 'MANIFEST_UNKNOWN')
      await unknown(`/v2/m/known/manifests/${sha256('x')}`, 'MANIFEST_UNKNOWN')
      await unknown('/v2/nothing', 'NAME_UNKNOWN')
      const wrong = await door.fetch('/v2/m/known/tags/list', { method: 'PUT' })
      assert.equal(wrong.headers.get('allow'), 'GET, HEAD')
      await refused(wrong, 405, 'UNSUPPORTED')
    })

    it('lose a tag, or go with all their tags, blobs and space', async () => {
      const manifest = await artifact('m/gone')
      const digest = sha256(manifest)
      for (const tag of ['a', 'b', 'c']) await putManifest('m/gone', tag, manifest)
      const at = (reference: string): string => `/v2/m/gone/manifests/${reference}`
      assert.equal((await door.fetch(at('a'), { method: 'DELETE' })).status, 202)
      await refused(await door.fetch(at('a')), 404, 'MANIFEST_UNKNOWN')
      assert.equal((await door.fetch(at(digest))).status, 200)
      assert.equal((await door.fetch(at(digest), { method: 'DELETE' })).status, 202)
      const list = await door.fetch('/v2/m/gone/tags/list')
      // with its last manifest the repository has gone
      assert.equal(list.status, 404)
      assert.equal(fs.existsSync(blobFile(digest)), false)
      const [layer] = (JSON.parse(manifest.toString()) as { layers: { digest: string }[] }).layers
      assert.equal(fs.existsSync(blobFile(layer?.digest ?? '')), false)
      await refused(await door.fetch(at(digest), { method: 'DELETE' }), 404, 'NAME_UNKNOWN')
    })

    it('about another are found by it, by type too', async () => {
      const subject = await artifact('m/subject')
      const about = { mediaType: OCI_MANIFEST, digest: sha256(subject), size: subject.length }
      const list = async (query = ''): Promise<{ response: Response; digests: string[] }> => {
        const response = await door.fetch(`/v2/m/subject/referrers/${about.digest}${query}`)
        assert.equal(response.headers.get('content-type'), OCI_INDEX)
        const { manifests } = (await response.json()) as { manifests: { digest: string }[] }
        return { response, digests: manifests.map(({ digest }) => digest) }
      }
      // the subject may come later
      const signature = await artifact('m/subject', {
        artifactType: 'application/vnd.example.signature',
        subject: about,
        annotations: { key: 'a' },
      })
      const put = await putManifest('m/subject', sha256(signature), signature)
      assert.equal(put.headers.get('oci-subject'), about.digest)
      assert.deepEqual((await list()).digests, [sha256(signature)])
      const plain = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], subject: about }),
      )
      await putManifest('m/subject', sha256(plain), plain, OCI_INDEX)
      assert.equal((await list()).digests.length, 2)
      const filtered = await list('?artifactType=application/vnd.example.signature')
      assert.deepEqual(filtered.digests, [sha256(signature)])
      assert.equal(filtered.response.headers.get('oci-filters-applied'), 'artifactType')
      await door.fetch(`/v2/m/subject/manifests/${sha256(signature)}`, { method: 'DELETE' })
      assert.deepEqual((await list()).digests, [sha256(plain)])
      const none = await door.fetch(`/v2/m/subject/referrers/${sha256('unknown')}`)
      assert.equal(none.status, 200)
      assert.equal((await door.fetch(`/v2/m/nowhere/referrers/${about.digest}`)).status, 200)
      await refused(await door.fetch('/v2/m/subject/referrers/nonsense'), 400, 'DIGEST_INVALID')
    })
  })

  it('tells of referrers by pages, none larger than a manifest may be', async () => {
    const subject = await artifact('m/pages')
    const about = { mediaType: OCI_MANIFEST, digest: sha256(subject), size: subject.length }
    const wanted: string[] = []
    for (const key of ['a', 'b', 'c']) {
      const annotations = { [key]: 'x'.repeat(1_800_000) }
      const signature = await artifact('m/pages', { subject: about, annotations })
      const put = await putManifest('m/pages', sha256(signature), signature)
      assert.equal(put.status, 201)
      wanted.push(sha256(signature))
    }
    const found: string[][] = []
    const type = encodeURIComponent('application/vnd.example.thing')
    let next: string | undefined = `/v2/m/pages/referrers/${about.digest}?artifactType=${type}`
    while (next !== undefined) {
      const response: Response = await door.fetch(next)
      assert.equal(response.headers.get('oci-filters-applied'), 'artifactType')
      const body = await response.text()
      assert.ok(body.length <= 4 << 20)
      const { manifests } = JSON.parse(body) as { manifests: { digest: string }[] }
      found.push(manifests.map(({ digest }) => digest))
      next = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1]
    }
    assert.deepEqual(
      found.map(({ length }) => length),
      [2, 1],
    )
    assert.deepEqual(found.flat(), wanted.sort())
  })

  describe('lists', () => {
    it('tags and repositories in order, by pages', async () => {
      const manifest = await artifact('lists/tags')
      for (const tag of ['b', 'a', 'C', '__proto__', 'd.1'])
        await putManifest('lists/tags', tag, manifest)
      const tags = async (query: string): Promise<{ tags: string[]; link: string | null }> => {
        const response = await door.fetch(`/v2/lists/tags/tags/list${query}`)
        const body = (await response.json()) as { tags: string[] }
        return { tags: body.tags, link: response.headers.get('link') }
      }
      assert.deepEqual(await tags(''), { tags: ['C', '__proto__', 'a', 'b', 'd.1'], link: null })
      const first = await tags('?n=2')
      assert.deepEqual(first.tags, ['C', '__proto__'])
      const next = /^<(.*)>; rel="next"$/.exec(first.link ?? '')?.[1] ?? ''
      const second = (await (await door.fetch(next)).json()) as { tags: string[] }
      assert.deepEqual(second.tags, ['a', 'b'])
      assert.deepEqual(await tags('?n=2&last=b'), { tags: ['d.1'], link: null })
      assert.deepEqual(await tags('?n=0'), { tags: [], link: null })
      assert.equal((await door.fetch('/v2/lists/tags/tags/list?n=x')).status, 400)
      const { repositories } = (await (await door.fetch('/v2/_catalog?n=1&last=lists')).json()) as {
        repositories: string[]
      }
      assert.deepEqual(repositories, ['lists/tags'])
    })
  })

  describe('and the engine', () => {
    const names = async (): Promise<string[]> =>
      (await door.test.engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? [])

    it('share one store: what is pushed under a tag is an image, until it is deleted', async () => {
      const digest = await putImage('team/app', 'v1', { 'hello.txt': 'hi' })
      const name = `${door.host}/team/app:v1`
      const image = await door.test.engine.images.inspect(name)
      assert.deepEqual(image.RepoDigests, [`${door.host}/team/app@${digest}`])
      assert.equal(image.Gantry?.CreatedBy.Name, 'ann')
      const [layer] = fs
        .readdirSync(path.join(door.test.instance.dataRoot, 'layers'))
        .filter((each) => each !== 'empty')
      assert.equal(
        fs.readFileSync(
          path.join(door.test.instance.dataRoot, 'layers', layer ?? '', 'fs/hello.txt'),
          'utf8',
        ),
        'hi',
      )
      await door.fetch(`/v2/team/app/manifests/${digest}`, { method: 'DELETE' })
      assert.ok(!(await names()).includes(name))
      assert.equal(fs.existsSync(blobFile(digest)), false)
    })

    it('take of an index the image for this machine, and name it by every host that was pushed to', async () => {
      const own = process.arch === 'arm64' ? 'arm64' : 'amd64'
      const entries = []
      for (const architecture of ['s390x', own]) {
        const { blobs, manifest } = registryImage({
          layers: [tarOf({ architecture })],
          architecture,
        })
        for (const content of blobs.values()) await putBlob('team/multi', content)
        await putManifest('team/multi', sha256(manifest), manifest)
        const platform = { os: 'linux', architecture }
        entries.push({ ...descriptor(manifest, OCI_MANIFEST), platform })
      }
      const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }
      const put = (host: string): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const [, port] = door.host.split(':')
          const headers = {
            Authorization: door.authorization,
            'Content-Type': OCI_INDEX,
            Host: host,
          }
          http
            .request(
              {
                host: '127.0.0.1',
                port,
                path: '/v2/team/multi/manifests/v1',
                method: 'PUT',
                headers,
              },
              (response) => {
                response.resume()
                resolve(response.statusCode)
              },
            )
            .on('error', reject)
            .end(JSON.stringify(index))
        })
      for (const host of ['images.example:3000', 'gantry.example', '../x', 'a b:1'])
        assert.equal(await put(host), 201)
      const image = await door.test.engine.images.inspect('gantry.example/team/multi:v1')
      assert.equal(image.Architecture, own)
      const hosts = [door.host, 'gantry.example', 'images.example:3000']
      assert.deepEqual(
        image.RepoTags,
        hosts.map((host) => `${host}/team/multi:v1`),
      )
      const digest = sha256(JSON.stringify(index))
      assert.ok(image.RepoDigests?.includes(`gantry.example/team/multi@${digest}`))
      await door.fetch('/v2/team/multi/manifests/v1', { method: 'DELETE' })
      await assert.rejects(door.test.engine.images.inspect(image.Id ?? ''), { code: 'NOT_FOUND' })
    })

    it('keep what either needs', async () => {
      const digest = await putImage('team/kept', 'v1', { 'kept.txt': 'kept' })
      const name = `${door.host}/team/kept:v1`
      // gone from the engine, it is in the registry still
      await door.test.engine.images.remove(name)
      const manifest = (await (await door.fetch(`/v2/team/kept/manifests/${digest}`)).json()) as {
        config: { digest: string }
        layers: { digest: string }[]
      }
      for (const { digest: blob } of [manifest.config, ...manifest.layers])
        assert.equal((await door.fetch(`/v2/team/kept/blobs/${blob}`)).status, 200)
      // a container keeps the image that it stands on
      await putImage('team/used', 'v1', { 'bin/x': 'x' })
      const used = `${door.host}/team/used:v1`
      const { Id } = await door.test.engine.containers.create({ Image: used, Cmd: ['x'] })
      await door.fetch('/v2/team/used/manifests/v1', { method: 'DELETE' })
      assert.ok((await names()).includes(used))
      await door.test.engine.containers.remove(Id)
    })

    it('take a moved tag along, and leave what cannot run in the registry', async () => {
      await putImage('team/moved', 'v1', { one: '1' })
      const name = `${door.host}/team/moved:v1`
      const before = (await door.test.engine.images.inspect(name)).Id
      await putImage('team/moved', 'v1', { two: '2' })
      assert.notEqual((await door.test.engine.images.inspect(name)).Id, before)
      assert.equal(
        (await putManifest('team/moved', 'v1', await artifact('team/moved'))).status,
        201,
      )
      assert.ok(!(await names()).includes(name))
      // says it is an image, but its layer is not the one that its config names
      const layer = Buffer.from('not a layer')
      const config = configOf({ layers: [Buffer.from('another')] })
      await putBlob('team/broken', layer)
      await putBlob('team/broken', config)
      const manifest = {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: descriptor(config, 'application/vnd.oci.image.config.v1+json'),
        layers: [descriptor(layer, 'application/vnd.oci.image.layer.v1.tar')],
      }
      assert.equal((await putManifest('team/broken', 'v1', manifest)).status, 201)
      assert.ok(!(await names()).includes(`${door.host}/team/broken:v1`))
      assert.match(
        door.test.warnings.join('\n'),
        /team\/broken:v1 is in the registry, but is no image/,
      )
    })

    it('remember all of it, and go on with uploads that were cut off', async () => {
      const loose = await putBlob('after/restart', random(5000))
      const digest = await putImage('after/restart', 'v1', { 'after.txt': 'restart' })
      const content = random(9000)
      const location = await begin('after/restart')
      const part = content.subarray(0, 5000)
      await door.fetch(location, { method: 'PATCH', headers: OCTETS, body: part })
      await door.test.reopen()
      const found = await door.fetch(location)
      assert.deepEqual([found.status, found.headers.get('range')], [204, '0-4999'])
      assert.equal(found.headers.get('location'), location)
      const wrong = await door.fetch(location, {
        method: 'PATCH',
        headers: { ...OCTETS, 'Content-Range': '0-4999' },
        body: part,
      })
      await refused(wrong, 416, 'BLOB_UPLOAD_INVALID')
      const put = await door.fetch(`${location}?digest=${sha256(content)}`, {
        method: 'PUT',
        headers: { ...OCTETS, 'Content-Range': '5000-8999' },
        body: content.subarray(5000),
      })
      assert.equal(put.status, 201)
      const read = await door.fetch(`/v2/after/restart/blobs/${sha256(content)}`)
      assert.deepEqual(Buffer.from(await read.arrayBuffer()), content)
      // elsewhere it is not known
      await refused(
        await door.fetch(location.replace('after/restart', 'else/where')),
        404,
        'BLOB_UPLOAD_UNKNOWN',
      )
      const left = fs.readdirSync(path.join(door.test.instance.dataRoot, 'uploads'))
      assert.deepEqual(
        left.filter((name) => name.endsWith('+after~restart')),
        [],
      )
      for (const reference of ['v1', digest]) {
        const got = await door.fetch(`/v2/after/restart/manifests/${reference}`)
        assert.equal(sha256(Buffer.from(await got.arrayBuffer())), digest)
      }
      assert.equal((await door.fetch(`/v2/after/restart/blobs/${loose}`)).status, 200)
      assert.ok((await names()).includes(`${door.host}/after/restart:v1`))
    })

    it('take the same image from many at once', async () => {
      const { blobs, manifest } = registryImage({ layers: [tarOf({ same: 'x'.repeat(100_000) })] })
      const { mediaType } = JSON.parse(manifest.toString()) as { mediaType: string }
      await Promise.all(
        Array.from({ length: 8 }, async (_, index) => {
          for (const content of blobs.values()) await putBlob(`many/${index % 3}`, content)
          const put = await putManifest(`many/${index % 3}`, `t${index}`, manifest, mediaType)
          assert.equal(put.status, 201)
        }),
      )
      const mine = (await names()).filter((name) => name.includes('/many/'))
      assert.equal(mine.length, 8)
    })
  })
})
