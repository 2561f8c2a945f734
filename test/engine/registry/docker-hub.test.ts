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
import type { RegistryCredentials } from '../../../engine/contract/common.ts'
import { inspectDistribution } from '../../../engine/images/distribution.ts'
import { instanceFromEnv, registriesOf } from '../../../engine/instance.ts'
import type { Registries } from '../../../engine/registry/access.ts'
import { openDistribution } from '../../../engine/registry/distribution.ts'
import { searchImages } from '../../../engine/registry/search.ts'

const HOSTS = ['index.docker.io', 'auth.docker.io', 'registry-1.docker.io']
const BASIC = `Basic ${Buffer.from('ann:pass').toString('base64')}`
const INDEX = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [],
})

/** What Docker Hub says to `GET /v1/search?q=busybox&n=25`, in its whole form. */
const FOUND = {
  num_pages: 2,
  num_results: 37,
  page: 1,
  page_size: 25,
  query: 'busybox',
  results: [
    {
      name: 'busybox',
      description: 'Busybox base image.',
      pull_count: 11_000_000_000,
      star_count: 3400,
      is_trusted: false,
      is_automated: false,
      is_official: true,
    },
    {
      name: 'radial/busyboxplus',
      description: null,
      pull_count: 5_000_000,
      star_count: 57,
      is_trusted: true,
      is_automated: true,
      is_official: false,
    },
  ],
}

/**
 * Docker Hub cannot be reached from where tests run: this is a mock of its three servers, under their own names by a proxy.
 */
describe('Docker Hub (a mock of it)', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-hub'))
  const at = (...names: string[]): string => path.join(dir, ...names)
  const seen: string[] = []
  let hub: https.Server
  let proxy: http.Server
  let registries: Registries
  /** Called before each answer; true when it answered itself. */
  let intercept: (host: string, url: URL, response: http.ServerResponse) => boolean = () => false

  before(async () => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=mock'],
        ...['-keyout', 'key.pem', '-out', 'cert.pem'],
        ...['-addext', `subjectAltName=${HOSTS.map((host) => `DNS:${host}`).join(',')}`],
      ],
      { cwd: dir, stdio: 'pipe' },
    )
    fs.mkdirSync(at('certs.d/docker.io'), { recursive: true })
    fs.copyFileSync(at('cert.pem'), at('certs.d/docker.io/ca.crt'))
    hub = https.createServer(
      { key: fs.readFileSync(at('key.pem')), cert: fs.readFileSync(at('cert.pem')) },
      answer,
    )
    proxy = http.createServer()
    proxy.on('connect', (request, client) => {
      const server = net.connect((hub.address() as AddressInfo).port, '127.0.0.1')
      if (!HOSTS.includes((request.url ?? '').replace(':443', ''))) server.destroy()
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      client.on('error', () => server.destroy())
      server.on('error', () => client.destroy())
      server.pipe(client).pipe(server)
    })
    for (const server of [hub, proxy]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    registries = registriesOf(
      instanceFromEnv({
        HTTPS_PROXY: `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}`,
        GANTRY_REGISTRY_CERTS: at('certs.d'),
      }),
    )
  })
  afterEach(() => {
    seen.length = 0
    intercept = () => false
  })
  after(() => {
    for (const server of [hub, proxy]) {
      server.closeAllConnections()
      server.close()
    }
    fs.rmSync(dir, { recursive: true, force: true })
  })

  function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { authorization, host = '' } = request.headers
    const url = new URL(request.url ?? '/', `https://${host}`)
    seen.push(`${host}${url.pathname} ${authorization ?? 'nobody'}`)
    if (intercept(host, url, response)) return
    if (host === 'index.docker.io' && url.pathname === '/v1/search') {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(FOUND))
    } else if (host === 'auth.docker.io') {
      response.end(JSON.stringify({ token: authorization === BASIC ? 'ann' : 'anybody' }))
    } else if (!authorization?.startsWith('Bearer ')) {
      response.setHeader(
        'www-authenticate',
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
      )
      refuse(response, 401, 'UNAUTHORIZED', 'authentication required')
    } else response.end(INDEX)
  }

  function refuse(
    response: http.ServerResponse,
    status: number,
    code: string,
    message: string,
  ): true {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ errors: [{ code, message }] }))
    return true
  }

  const ask = (auth: RegistryCredentials = {}): ReturnType<typeof inspectDistribution> =>
    inspectDistribution(registries, 'busybox:1', auth)
  const ann = { username: 'ann', password: 'pass' }

  it('is searched at index.docker.io, anonymously or by name and password', async () => {
    const expected = FOUND.results.map(({ description, is_official, name, star_count }) => ({
      ...{ name, description: description ?? '', star_count, is_official },
      is_automated: false,
    }))
    assert.deepEqual(await searchImages(registries, 'busybox'), expected)
    assert.deepEqual(await searchImages(registries, 'docker.io/library/busybox', { auth: ann }), [
      ...expected,
    ])
    assert.deepEqual(seen, [
      'index.docker.io/v1/search nobody',
      `index.docker.io/v1/search ${BASIC}`,
    ])
  })

  it('is searched with a token for an identity token, when it asks who we are', async () => {
    intercept = (host, { pathname }, response) => {
      if (host !== 'index.docker.io' || seen.at(-1) === `${host}${pathname} Bearer anybody`)
        return false
      response.setHeader('www-authenticate', 'Bearer realm="https://auth.docker.io/token"')
      return refuse(response, 401, 'UNAUTHORIZED', 'who is it?')
    }
    const auth = { username: 'ann', identitytoken: 'stands for it' }
    assert.equal((await searchImages(registries, 'busybox', { auth })).length, 2)
    assert.deepEqual(seen, [
      'index.docker.io/v1/search nobody',
      'auth.docker.io/token nobody',
      'index.docker.io/v1/search Bearer anybody',
    ])
  })

  it('says in its words that it is asked too much, how much it allows, and that login may help', async () => {
    intercept = (host, _url, response) => {
      if (host !== 'registry-1.docker.io' || seen.at(-1)?.endsWith('nobody')) return false
      response.setHeader('ratelimit-limit', '100;w=21600')
      response.setHeader('ratelimit-remaining', '0;w=21600')
      const words =
        'You have reached your unauthenticated pull rate limit. https://www.docker.com/i'
      return refuse(response, 429, 'TOOMANYREQUESTS', words)
    }
    const words =
      'toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/i; its limit is 100 in 6 hours'
    await assert.rejects(ask(), {
      code: 'UNAVAILABLE',
      message: `${words}; nobody is signed in to it: docker login may allow more`,
    })
    await assert.rejects(ask(ann), { code: 'UNAVAILABLE', message: words })
    const distribution = openDistribution(registries)
    const check = await distribution.check('docker.io', { auth: ann })
    assert.deepEqual([check.outcome, check.message], ['rate-limit', words])
  })

  it('is understood where its token server and its search refuse, by seconds, a date or a time', async () => {
    const inAnHour = Math.floor(Date.now() / 1000) + 3600
    const cases: [Record<string, string>, string, RegExp][] = [
      [{ 'retry-after': '90', 'content-type': 'text/plain' }, 'Too Many Requests', /90 seconds/],
      [{ 'retry-after': new Date(inAnHour * 1000).toUTCString() }, '{"details":"slow"}', /60 min/],
      [{ 'x-retry-after': String(inAnHour) }, '{"message":"slow","errinfo":{}}', /60 minutes/],
    ]
    for (const [headers, body, wait] of cases) {
      intercept = (host, _url, response) => {
        if (host === 'registry-1.docker.io') return false
        response.writeHead(429, headers).end(body)
        return true
      }
      for (const question of [ask, () => searchImages(registries, 'busybox')]) {
        const error = await question().then(
          () => assert.fail('it answered'),
          (failure: unknown) => failure as Error & { code: string },
        )
        assert.equal(error.code, 'UNAVAILABLE')
        assert.match(error.message, /^toomanyrequests: (Too Many Requests|slow); the registry asks/)
        assert.match(error.message, wait)
        assert.match(error.message, /docker login/)
      }
    }
  })
})
