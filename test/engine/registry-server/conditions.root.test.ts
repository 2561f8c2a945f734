import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { RegistryDoor, sha256 } from '../../helpers/registry-door.ts'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** @see RFC 9110, 13 and 14 */
describe('the registry, to requests with conditions', () => {
  let door: RegistryDoor
  before(async () => {
    door = await RegistryDoor.open()
    for (const content of [CONFIG, LAYER]) {
      const at = `/v2/if/app/blobs/uploads/?digest=${sha256(content)}`
      const put = await door.fetch(at, { method: 'POST', body: content })
      assert.equal(put.status, 201)
    }
  })
  after(() => door.close())

  const CONFIG = Buffer.from('{}')
  const LAYER = Buffer.from('0123456789')
  const OTHER = sha256('other')

  function manifest(word: string): Buffer {
    const part = (content: Buffer, mediaType: string): object => ({
      mediaType,
      digest: sha256(content),
      size: content.length,
    })
    return Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: part(CONFIG, 'application/vnd.oci.empty.v1+json'),
        layers: [part(LAYER, 'application/vnd.example.data')],
        annotations: { word },
      }),
    )
  }
  async function put(
    tag: string,
    content: Buffer,
    headers: Record<string, string> = {},
  ): Promise<number> {
    const response = await door.fetch(`/v2/if/app/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'Content-Type': OCI_MANIFEST, ...headers },
      body: content,
    })
    if (response.status !== 201)
      assert.match(await response.text(), /^{"errors":\[{"code":"DENIED","message":"/)
    return response.status
  }
  async function digestAt(tag: string): Promise<string | null> {
    const response = await door.fetch(`/v2/if/app/manifests/${tag}`, { method: 'HEAD' })
    return response.headers.get('docker-content-digest')
  }

  it('has the digest as the strong tag of manifests and blobs, the same to GET and HEAD', async () => {
    const content = manifest('tagged')
    await put('v1', content)
    for (const [path, digest] of [
      ['/v2/if/app/manifests/v1', sha256(content)],
      [`/v2/if/app/manifests/${sha256(content)}`, sha256(content)],
      [`/v2/if/app/blobs/${sha256(LAYER)}`, sha256(LAYER)],
    ] as const) {
      const [got, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => door.fetch(path, { method })),
      )
      assert.ok(got && head)
      assert.equal(got.headers.get('etag'), `"${digest}"`)
      const toldBy = ({ headers, status }: Response): unknown => [
        status,
        ...[...headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name)),
      ]
      assert.deepEqual(toldBy(head), toldBy(got))
    }
  })

  it('answers who has it already with 304, without it', async () => {
    const content = manifest('had')
    await put('had', content)
    const asked = async (path: string, headers: Record<string, string>): Promise<number> => {
      const statuses = await Promise.all(
        ['GET', 'HEAD'].map(async (method) => {
          const response = await door.fetch(path, { method, headers })
          const body = await response.text()
          if (response.status === 304) {
            assert.equal(body, '')
            assert.ok(response.headers.get('etag'))
          }
          return response.status
        }),
      )
      assert.equal(statuses[0], statuses[1])
      return statuses[0] ?? 0
    }
    for (const [path, digest] of [
      ['/v2/if/app/manifests/had', sha256(content)],
      [`/v2/if/app/blobs/${sha256(LAYER)}`, sha256(LAYER)],
    ] as const) {
      for (const same of [`"${digest}"`, `W/"${digest}"`, `"${OTHER}", "${digest}"`, '*'])
        assert.equal(await asked(path, { 'If-None-Match': same }), 304, same)
      for (const another of [`"${OTHER}"`, digest, 'nonsense', ''])
        assert.equal(await asked(path, { 'If-None-Match': another }), 200, another)
      assert.equal(await asked(path, { 'If-Match': `"${digest}"` }), 200)
      assert.equal(await asked(path, { 'If-Match': '*' }), 200)
      for (const another of [`"${OTHER}"`, `W/"${digest}"`])
        assert.equal(await asked(path, { 'If-Match': another }), 412, another)
      // there is no date that a date could be compared with
      const later = new Date(Date.now() + 86_400_000).toUTCString()
      assert.equal(await asked(path, { 'If-Modified-Since': later }), 200)
    }
    assert.equal((await door.fetch('/v2/if/app/manifests/none')).status, 404)
  })

  it('sends a part to who has the rest of the same, and else all of it', async () => {
    const part = async (headers: Record<string, string>): Promise<[number, string]> => {
      const response = await door.fetch(`/v2/if/app/blobs/${sha256(LAYER)}`, { headers })
      return [response.status, await response.text()]
    }
    const Range = 'bytes=4-5'
    assert.deepEqual(await part({ Range, 'If-Range': `"${sha256(LAYER)}"` }), [206, '45'])
    for (const another of [`"${OTHER}"`, `W/"${sha256(LAYER)}"`, 'Tue, 24 Nov 2026 00:00:00 GMT'])
      assert.deepEqual(await part({ Range, 'If-Range': another }), [200, '0123456789'], another)
    assert.deepEqual(await part({ Range: 'Bytes=-2' }), [206, '89'])
    assert.deepEqual(await part({ Range: 'bytes=8-99999999999999999999' }), [206, '89'])
    assert.equal((await part({ Range: 'bytes=-0' }))[0], 416)
    // a range is for GET only
    const head = await door.fetch(`/v2/if/app/blobs/${sha256(LAYER)}`, {
      method: 'HEAD',
      headers: { Range },
    })
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '10'])
  })

  it('replaces or deletes only the manifest that is meant', async () => {
    const [first, second, third] = [manifest('1'), manifest('2'), manifest('3')]
    assert.equal(await put('list', first, { 'If-Match': '*' }), 412)
    assert.equal(await put('list', first, { 'If-None-Match': '*' }), 201)
    assert.equal(await put('list', second, { 'If-None-Match': '*' }), 412)
    assert.equal(await put('list', second, { 'If-Match': `"${sha256(third)}"` }), 412)
    assert.equal(await digestAt('list'), sha256(first))
    // of many who have seen the same state one gets its turn
    const statuses = await Promise.all(
      ['a', 'b', 'c', 'd'].map((word) =>
        put('list', manifest(word), { 'If-Match': `"${sha256(first)}"` }),
      ),
    )
    assert.deepEqual(statuses.sort(), [201, 412, 412, 412])
    const remove = async (match: string): Promise<number> =>
      (
        await door.fetch('/v2/if/app/manifests/list', {
          method: 'DELETE',
          headers: { 'If-Match': match },
        })
      ).status
    assert.equal(await remove(`"${sha256(first)}"`), 412)
    assert.equal(await remove(`"${await digestAt('list')}"`), 202)
    assert.equal(await digestAt('list'), null)
  })
})
