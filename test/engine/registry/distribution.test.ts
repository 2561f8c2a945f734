import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test'
import type { DistributionEngine } from '../../../engine/contract/distribution.ts'
import { openDistribution } from '../../../engine/registry/distribution.ts'
import { registryImage, sha256, tarOf } from '../images/archives.ts'
import { MockRegistry } from './mock-registry.ts'

/** A distribution with a directory of certificates of its own. */
function open(t: TestContext): { distribution: DistributionEngine; certs: string } {
  const certs = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  t.after(() => fs.rmSync(certs, { recursive: true, force: true }))
  const proxies = { http: undefined, https: undefined, except: [] }
  return { distribution: openDistribution({ mirrors: [], insecure: [], certs, proxies }), certs }
}

async function listen(t: TestContext, server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

describe('check()', () => {
  let registry: MockRegistry
  before(async () => {
    registry = await MockRegistry.start()
  })
  after(() => registry.close())
  beforeEach(() => {
    registry.tokens = undefined
    registry.intercept = () => false
  })

  it('tells a registry that lets us in, and one that does not', async (t) => {
    const { distribution } = open(t)
    assert.deepEqual(await distribution.check(registry.host), {
      outcome: 'ok',
      message: '',
      url: `http://${registry.host}/v2/`,
    })
    registry.tokens = { user: 'bob', password: 'right', asked: [] }
    const auth = { username: 'bob', password: 'right' }
    assert.equal((await distribution.check(registry.host, { auth })).outcome, 'ok')
    const wrong = { username: 'bob', password: 'wrong' }
    const refused = await distribution.check(registry.host, { auth: wrong })
    assert.equal(refused.outcome, 'unauthorized')
    assert.notEqual(refused.message, '')
  })

  it('tells rate limits, web sites, names that lead nowhere and ports that nobody listens at', async (t) => {
    const { distribution } = open(t)
    registry.intercept = (_request, response) => {
      registry.refuse(response, 429, 'TOOMANYREQUESTS', 'slow down')
      return true
    }
    assert.equal((await distribution.check(registry.host)).outcome, 'rate-limit')
    registry.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello</html>')
      return true
    }
    assert.equal((await distribution.check(registry.host)).outcome, 'no-registry')
    registry.intercept = (_request, response) => {
      response.writeHead(404).end('nothing here')
      return true
    }
    assert.equal((await distribution.check(registry.host)).outcome, 'no-registry')
    const nowhere = await distribution.check('registry.invalid')
    assert.equal(nowhere.outcome, 'unknown-host', nowhere.message)
    const silent = net.createServer()
    const port = await listen(t, silent)
    silent.close()
    await once(silent, 'close')
    assert.equal((await distribution.check(`127.0.0.1:${port}`)).outcome, 'unreachable')
    await assert.rejects(distribution.check('a/../b'), { code: 'INVALID_PARAMETER' })
  })

  it('tells certificates that are not trusted, until their authority is given, and http where https is wanted', async (t) => {
    const { certs, distribution } = open(t)
    const key = path.join(certs, 'key.pem')
    const certificate = path.join(certs, 'cert.pem')
    // a name of its own: addresses of this machine are insecure by themselves, and checked for nothing
    const name = os.hostname()
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test-ca'],
        ...['-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    )
    const secure = https.createServer(
      { key: fs.readFileSync(key), cert: fs.readFileSync(certificate) },
      (_request, response) => response.end('{}'),
    )
    secure.listen(0)
    await once(secure, 'listening')
    t.after(() => secure.close())
    const host = `${name}:${(secure.address() as AddressInfo).port}`
    if (!name.includes('.') && (await distribution.check(host)).outcome === 'unknown-host') {
      t.skip(`this machine finds no address for its own name, ${name}`)
      return
    }
    assert.equal((await distribution.check(host)).outcome, 'certificate')
    const pem = fs.readFileSync(certificate, 'utf8')
    await distribution.setAuthorities(host, `some words before it\n${pem}`)
    assert.equal((await distribution.check(host)).outcome, 'ok')
    const { authorities, insecure, isLocal } = await distribution.access(host)
    assert.deepEqual([insecure, isLocal], [false, false])
    assert.match(authorities[0]?.subject ?? '', /CN=test-ca/)
    assert.equal(authorities[0]?.isOurs, true)
    await assert.rejects(distribution.setAuthorities(host, 'no certificate'), {
      code: 'INVALID_PARAMETER',
    })
    await distribution.setAuthorities(host, null)
    assert.deepEqual((await distribution.access(host)).authorities, [])

    const plain = http.createServer((_request, response) => response.end('{}'))
    plain.listen(0)
    await once(plain, 'listening')
    t.after(() => plain.close())
    const { port } = plain.address() as AddressInfo
    assert.equal((await distribution.check(`${name}:${port}`)).outcome, 'plain-http')
  })
})

describe('what a registry holds', () => {
  let registry: MockRegistry
  before(async () => {
    registry = await MockRegistry.start()
  })
  after(() => registry.close())
  beforeEach(() => {
    registry.intercept = () => false
  })

  it('is listed page by page, by the registry’s own links', async (t) => {
    const { distribution } = open(t)
    const asked: string[] = []
    registry.intercept = (request, response) => {
      if (!request.url?.startsWith('/v2/_catalog')) return false
      asked.push(request.url)
      const isFirst = !request.url.includes('page=2')
      response
        .writeHead(200, isFirst ? { link: '</v2/_catalog?n=2&page=2%3D>; rel="next"' } : {})
        .end(JSON.stringify({ repositories: isFirst ? ['a', 'b'] : ['c'] }))
      return true
    }
    const first = await distribution.catalog(registry.host, { count: 2 })
    assert.deepEqual(first, { names: ['a', 'b'], next: 'n=2&page=2%3D' })
    const second = await distribution.catalog(registry.host, { after: first.next ?? '' })
    assert.deepEqual(second, { names: ['c'] })
    assert.deepEqual(asked, ['/v2/_catalog?n=2', '/v2/_catalog?n=2&page=2%3D'])
  })

  it('is not listed where the registry does not do that, and that is said', async (t) => {
    const { distribution } = open(t)
    registry.intercept = (_request, response) => {
      registry.refuse(response, 404, 'UNSUPPORTED', 'no catalogue')
      return true
    }
    await assert.rejects(distribution.catalog(registry.host), {
      code: 'NOT_IMPLEMENTED',
      message: /does not list its repositories/,
    })
  })

  it('is described: an image, an index with the image for this machine, and what is none', async (t) => {
    const { distribution } = open(t)
    const image = registryImage({ layers: [tarOf({ a: 'b' })], tags: [] })
    const digest = registry.add('team/app:1', image)
    const repository = { host: registry.host, name: 'team/app' }
    const found = await distribution.describe(repository, '1')
    assert.equal(found.kind, 'image')
    assert.equal(found.digest, digest)
    assert.ok((found.size ?? 0) > 0)
    const index = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: ['s390x', 'amd64', 'arm64'].map((architecture) => ({
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          digest,
          size: image.manifest.length,
          platform: { os: 'linux', architecture },
        })),
      }),
    )
    registry.add(
      'team/app:many',
      { manifest: index, blobs: new Map() },
      'application/vnd.oci.image.index.v1+json',
    )
    const many = await distribution.describe(repository, 'many')
    assert.equal(many.kind, 'index')
    assert.equal(many.digest, sha256(index))
    assert.deepEqual(many.platforms, ['linux/s390x', 'linux/amd64', 'linux/arm64'])
    assert.equal(many.size, found.size)
    registry.add('team/app:odd', { manifest: Buffer.from('{"schemaVersion":1}'), blobs: new Map() })
    assert.equal((await distribution.describe(repository, 'odd')).kind, 'other')
    await assert.rejects(distribution.describe(repository, 'none'), { code: 'NOT_FOUND' })
    for (const name of ['../x', 'a/../../b', 'A', 'a?b'])
      await assert.rejects(distribution.describe({ ...repository, name }, '1'), {
        code: 'INVALID_PARAMETER',
      })
    await assert.rejects(distribution.describe(repository, '../1'), { code: 'INVALID_PARAMETER' })
  })

  it('is deleted, where the registry deletes, with a token that allows it', async (t) => {
    const { distribution } = open(t)
    const repository = { host: registry.host, name: 'team/app' }
    registry.tokens = { asked: [] }
    let status = 202
    registry.intercept = (request, response) => {
      if (request.method !== 'DELETE' || request.headers.authorization !== 'Bearer good')
        return false
      if (status === 202) response.writeHead(202).end()
      else registry.refuse(response, status, 'UNSUPPORTED', 'no deletion')
      return true
    }
    await distribution.deleteManifest(repository, '1')
    assert.equal(
      registry.tokens.asked[0]?.url.searchParams.get('scope'),
      'repository:team/app:pull,delete',
    )
    status = 405
    await assert.rejects(distribution.deleteManifest(repository, '1'), {
      code: 'NOT_IMPLEMENTED',
      message: /does not delete tags alone/,
    })
    registry.tokens = undefined
  })
})
