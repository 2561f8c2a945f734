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
import { after, afterEach, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { inspectDistribution } from '../../../engine/images/distribution.ts'
import { instanceFromEnv, registriesOf } from '../../../engine/instance.ts'
import type { Registries } from '../../../engine/registry/access.ts'
import { mirrorsOf } from '../../../engine/registry/mirrors.ts'
import { proxyFor } from '../../../engine/registry/proxy.ts'

const INDEX = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [],
})

/** A registry of a name that only the proxy knows, by https with a private authority and by http. */
describe('a registry behind a proxy', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-certs'))
  const at = (...names: string[]): string => path.join(dir, ...names)
  const servers: http.Server[] = []
  const seen: string[] = []
  let wantsClient = false
  let proxy: string

  before(async () => {
    const openssl = (...args: string[]): void =>
      void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
    const key = ['-newkey', 'rsa:2048', '-nodes', '-days', '2']
    openssl(
      'req',
      '-x509',
      ...key,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=private authority',
    )
    for (const name of ['registry.test', 'me']) {
      openssl(
        'req',
        ...key.slice(0, 3),
        '-keyout',
        `${name}.key`,
        '-out',
        'csr',
        '-subj',
        `/CN=${name}`,
      )
      fs.writeFileSync(at('ext'), `subjectAltName=DNS:${name}\n`)
      openssl(
        'x509',
        '-req',
        '-in',
        'csr',
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-extfile',
        'ext',
        '-out',
        `${name}.pem`,
      )
    }
    const answer: http.RequestListener = (request, response) => {
      const { authorized, encrypted } = request.socket as TLSSocket
      seen.push(`${encrypted ? 'https' : 'http'} ${request.url ?? ''}`)
      if (wantsClient && encrypted && !authorized) response.writeHead(403).end('{}')
      else response.end(INDEX)
    }
    const secure = https.createServer(
      {
        key: fs.readFileSync(at('registry.test.key')),
        cert: fs.readFileSync(at('registry.test.pem')),
        ca: fs.readFileSync(at('ca.pem')),
        requestCert: true,
        rejectUnauthorized: false,
      },
      answer,
    )
    const forward = http.createServer((request, response) => {
      seen.push(
        `proxy ${request.method ?? ''} ${request.url ?? ''} ${request.headers['proxy-authorization'] ?? ''}`,
      )
      answer(request, response)
    })
    forward.on('connect', (request: http.IncomingMessage, client: net.Socket) => {
      seen.push(`proxy CONNECT ${request.url ?? ''}`)
      if (request.url !== 'registry.test:443') {
        client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
        return
      }
      const server = net.connect((secure.address() as AddressInfo).port, '127.0.0.1')
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.on('error', () => server.destroy())
      server.on('error', () => client.destroy())
      server.pipe(client).pipe(server)
    })
    for (const server of [secure, forward]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      servers.push(server)
    }
    proxy = `http://me:secret@127.0.0.1:${String((forward.address() as AddressInfo).port)}`
  })
  afterEach(() => {
    seen.length = 0
  })
  after(() => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    fs.rmSync(dir, { recursive: true, force: true })
  })
  const settings = (more: Record<string, string> = {}): Registries =>
    registriesOf(
      instanceFromEnv({
        HTTPS_PROXY: proxy,
        http_proxy: proxy,
        GANTRY_REGISTRY_CERTS: at('certs.d'),
        ...more,
      }),
    )
  const ask = (
    registries: Registries,
    host = 'registry.test',
  ): ReturnType<typeof inspectDistribution> => inspectDistribution(registries, `${host}/app:1`)

  it('is trusted with the authority in its directory, and only then', async () => {
    await assert.rejects(ask(settings()), /cannot reach https:\/\/registry\.test: .*certificate/)
    assert.deepEqual(seen, ['proxy CONNECT registry.test:443'])
    fs.mkdirSync(at('certs.d/registry.test'), { recursive: true })
    fs.copyFileSync(at('ca.pem'), at('certs.d/registry.test/ca.crt'))
    assert.equal((await ask(settings())).Descriptor.size, INDEX.length)
    assert.equal(seen.at(-1), 'https /v2/app/manifests/1')
  })

  it('is shown who we are by the certificate there, and a half pair is told', async () => {
    wantsClient = true
    await assert.rejects(ask(settings()), { code: 'NOT_FOUND' })
    fs.copyFileSync(at('me.pem'), at('certs.d/registry.test/client.cert'))
    await assert.rejects(ask(settings()), /missing .*client\.key, which belongs to client\.cert/)
    fs.copyFileSync(at('me.key'), at('certs.d/registry.test/client.key'))
    await ask(settings())
    fs.rmSync(at('certs.d'), { recursive: true })
    wantsClient = false
  })

  it('may have any certificate when it is listed as insecure, or speak http where https fails', async () => {
    await ask(settings({ GANTRY_INSECURE_REGISTRIES: '10.0.0.0/8, registry.test' }))
    assert.equal(seen.at(-1), 'https /v2/app/manifests/1')
    await ask(settings({ GANTRY_INSECURE_REGISTRIES: 'plain.test:5000' }), 'plain.test:5000')
    assert.deepEqual(seen.slice(-3, -1), [
      'proxy CONNECT plain.test:5000',
      `proxy GET http://plain.test:5000/v2/app/manifests/1 Basic ${Buffer.from('me:secret').toString('base64')}`,
    ])
    await assert.rejects(
      ask(settings(), 'plain.test:5000'),
      /answered 502 to CONNECT plain\.test:5000/,
    )
  })
})

describe('mirrorsOf()', () => {
  it('tells those of docker.io and of other registries apart', () => {
    const entries = ['https://a.test', 'quay.io=https://b.test/quay', 'http://c.test:5000']
    assert.deepEqual(mirrorsOf('docker.io', entries), ['https://a.test', 'http://c.test:5000'])
    assert.deepEqual(mirrorsOf('quay.io', entries), ['https://b.test/quay'])
    assert.deepEqual(mirrorsOf('quay.io:443', entries), [])
    for (const text of ['quay.io', 'quay.io=ftp://x', 'a/b=https://c.test'])
      assert.throws(
        () => instanceFromEnv({ GANTRY_REGISTRY_MIRRORS: text }),
        /GANTRY_REGISTRY_MIRRORS: /,
      )
  })
})

describe('proxyFor()', () => {
  const via = (url: string, except: string): string | undefined =>
    proxyFor(new URL(url), { http: 'http://p:1', https: 'p:2', except: except.split(',') })?.href

  it('takes the proxy of the scheme, and none for this machine', () => {
    assert.equal(via('http://a.test', ''), 'http://p:1/')
    assert.equal(via('https://a.test', ''), 'http://p:2/')
    for (const host of ['localhost', '127.0.0.1:5000', '[::1]:5000'])
      assert.equal(via(`https://${host}`, ''), undefined)
  })

  it('leaves out what NO_PROXY says, as Go reads it', () => {
    assert.equal(via('https://a.test', '*'), undefined)
    assert.equal(via('https://a.test', 'b.test,a.test'), undefined)
    assert.equal(via('https://x.a.test', 'a.test'), undefined)
    assert.notEqual(via('https://xa.test', 'a.test'), undefined)
    assert.notEqual(via('https://a.test', '.a.test'), undefined)
    assert.equal(via('https://a.test:5000', 'a.test:5000'), undefined)
    assert.notEqual(via('https://a.test', 'a.test:5000'), undefined)
    assert.equal(via('https://10.1.2.3', '10.0.0.0/8'), undefined)
    assert.notEqual(via('https://11.1.2.3', '10.0.0.0/8'), undefined)
    assert.equal(via('https://[fd00::1]', 'fd00::/16'), undefined)
  })
})
