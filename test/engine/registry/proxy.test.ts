import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { inspect, promisify } from 'node:util'
import { instanceFromEnv, registriesOf } from '../../../engine/instance.ts'
import type { Proxies } from '../../../engine/registry/access.ts'
import { openDistribution } from '../../../engine/registry/distribution.ts'
import { readBody, request } from '../../../engine/registry/http.ts'
import { proxyFor } from '../../../engine/registry/proxy.ts'

const SECRET = 's3cr%40t'
const BASIC = `Basic ${Buffer.from('me:s3cr@t').toString('base64')}`

const portOf = (server: net.Server): number => (server.address() as AddressInfo).port

async function listening<T extends net.Server>(server: T): Promise<T> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** By a proxy at the port, who we are in its address. */
function by(port: number, scheme = 'http'): Proxies {
  const url = `${scheme}://me:${SECRET}@localhost:${String(port)}`
  return { http: url, https: url, except: [] }
}

const get = (
  url: string,
  proxies: Proxies,
  options: { idleMs?: number; signal?: AbortSignal } = {},
): ReturnType<typeof request> =>
  request(new URL(url), { ...options, access: { insecure: true, proxies } })

/** What the promise fails with; a success is a failure. */
const failureOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.fail('it answered'),
    (error: unknown) => error as Error,
  )

describe('a proxy that accepts and says nothing', () => {
  const sockets = new Set<net.Socket>()
  let mute: net.Server
  before(async () => {
    mute = await listening(net.createServer((socket) => void sockets.add(socket.resume())))
  })
  after(() => {
    for (const socket of sockets) socket.destroy()
    mute.close()
  })

  it('is given up when the time is over, by https as by http', async () => {
    for (const scheme of ['https', 'http']) {
      const began = performance.now()
      const error = await failureOf(
        get(`${scheme}://registry.test/v2/`, by(portOf(mute)), { idleMs: 300 }),
      )
      assert.match(
        error.message,
        new RegExp(
          `cannot reach ${scheme}://registry\\.test: proxy localhost:\\d+: no answer .*0\\.3 seconds`,
        ),
      )
      assert.ok(performance.now() - began < 25_000)
    }
  })

  it('is left at once when the caller gives up', async () => {
    const caller = new AbortController()
    const answer = failureOf(
      get('https://registry.test/v2/', by(portOf(mute)), { signal: caller.signal }),
    )
    const [asked] = (await once(mute, 'connection')) as [net.Socket]
    caller.abort(new Error('never mind'))
    assert.equal((await answer).message, 'never mind')
    // not only the caller is let go
    await once(asked, 'close', { signal: AbortSignal.timeout(5000) })
  })

  it('is not asked at all by a caller who has given up before', async () => {
    const before = sockets.size
    const signal = AbortSignal.abort(new Error('never mind'))
    assert.equal(
      (await failureOf(get('https://registry.test/v2/', by(portOf(mute)), { signal }))).message,
      'never mind',
    )
    assert.equal(sockets.size, before)
  })
})

describe('a proxy with a user and a password in its address', () => {
  let proxy: http.Server
  const seen: string[] = []
  const accepted: string[] = []
  before(async () => {
    proxy = http.createServer((incoming, response) => {
      const authorization = incoming.headers['proxy-authorization'] ?? 'none'
      seen.push(`${incoming.method ?? ''} ${incoming.url ?? ''} ${authorization}`)
      if (accepted.includes(authorization)) response.end('{}')
      else response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end()
    })
    proxy.on('connect', (incoming, socket) => {
      seen.push(`CONNECT ${incoming.url ?? ''} ${incoming.headers['proxy-authorization'] ?? ''}`)
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    })
    await listening(proxy)
  })
  after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })

  it('is told them in Proxy-Authorization, and nobody else is', async () => {
    accepted.push(BASIC)
    const answer = await get('http://registry.test/v2/?a=b', by(portOf(proxy)))
    assert.equal((await readBody(answer, 10)).toString(), '{}')
    assert.equal(seen.at(-1), `GET http://registry.test/v2/?a=b ${BASIC}`)
    accepted.length = 0
    for (const scheme of ['http', 'https']) {
      const error = await failureOf(get(`${scheme}://[fd00::1]/v2/`, by(portOf(proxy))))
      assert.match(error.message, /proxy localhost:\d+ refuses the user name and password/)
      assert.doesNotMatch(inspect(error, { depth: 10 }), /s3cr|bWU6/)
    }
    assert.equal(seen.at(-1), `CONNECT [fd00::1]:443 ${BASIC}`)
    const bare = { ...by(portOf(proxy)), http: `localhost:${String(portOf(proxy))}` }
    assert.match(
      (await failureOf(get('http://registry.test/', bare))).message,
      /proxy localhost:\d+ asks for a user name and password/,
    )
  })

  it('is shown without them, and one that is no address is refused without repeating it', async () => {
    const env = { HTTPS_PROXY: `http://me:${SECRET}@proxy.test:3128` }
    const { proxy: shown } = await openDistribution(registriesOf(instanceFromEnv(env))).access(
      'registry.test',
    )
    assert.equal(shown, 'http://proxy.test:3128/')
    for (const wrong of [
      'socks5://me:s3cret@p:1',
      'http://me:s3cret%zz@p:1',
      'http://me:s3cret@:x',
    ])
      assert.throws(
        () => instanceFromEnv({ HTTPS_PROXY: wrong }),
        (error: Error) =>
          error.message === 'HTTPS_PROXY: must be the URL of a proxy, by http or https' &&
          !inspect(error, { depth: 10 }).includes('s3cret'),
      )
  })
})

describe('a proxy that speaks TLS', () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-proxy'))
  const seen: string[] = []
  let proxy: https.Server
  before(async () => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', 'key.pem'],
        ...['-out', 'cert.pem', '-subj', '/CN=proxy', '-addext', 'subjectAltName=DNS:localhost'],
      ],
      { cwd: dir, stdio: 'pipe' },
    )
    const read = (name: string): Buffer => fs.readFileSync(path.join(dir, name))
    proxy = https.createServer(
      { key: read('key.pem'), cert: read('cert.pem') },
      (incoming, response) => {
        seen.push(
          `${incoming.method ?? ''} ${incoming.url ?? ''} ${incoming.headers['proxy-authorization'] ?? ''}`,
        )
        response.end('{}')
      },
    )
    proxy.on('connect', (incoming, socket) => {
      seen.push(`CONNECT ${incoming.url ?? ''} ${incoming.headers['proxy-authorization'] ?? ''}`)
      socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n')
    })
    await listening(proxy)
  })
  after(() => {
    proxy.closeAllConnections()
    proxy.close()
    fs.rmSync(dir, { recursive: true, force: true })
  })

  it('is verified by its own name, and is asked through TLS for http and https alike', async () => {
    // authorities that Node is to trust are read as it starts
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', ASK],
      {
        env: {
          ...process.env,
          NODE_EXTRA_CA_CERTS: path.join(dir, 'cert.pem'),
          PROXIES: JSON.stringify(by(portOf(proxy), 'https')),
        },
      },
    )
    const [plain = '', secure = ''] = stdout.split('\n')
    assert.equal(plain, '200')
    assert.match(secure, /proxy localhost:\d+ answered 503 to CONNECT registry\.test:443/)
    assert.deepEqual(seen, [
      `GET http://registry.test:5000/v2/ ${BASIC}`,
      `CONNECT registry.test:443 ${BASIC}`,
    ])
  })

  it('is told nothing when its certificate is not trusted, however insecure the registry is', async () => {
    seen.length = 0
    for (const url of ['http://registry.test/', 'https://registry.test/'])
      assert.match(
        (await failureOf(get(url, by(portOf(proxy), 'https')))).message,
        /cannot reach https?:\/\/registry\.test: proxy localhost:\d+: .*certificate/,
      )
    assert.deepEqual(seen, [])
  })
})

const ASK = `
import { request } from '${path.resolve('engine/registry/http.ts')}'
const access = { insecure: false, proxies: JSON.parse(process.env.PROXIES) }
for (const url of ['http://registry.test:5000/v2/', 'https://registry.test/v2/'])
  console.log(await request(new URL(url), { access }).then(
    (response) => (response.resume(), response.statusCode),
    (error) => error.message,
  ))
process.exit()
`

describe('NO_PROXY', () => {
  const isDirect = (url: string, except: string): boolean =>
    proxyFor(new URL(url), { http: 'p:1', https: 'p:1', except: except.split(',') }) === undefined

  it('means by a domain also those below it, by .domain and *.domain only those', () => {
    assert.ok(isDirect('https://A.test', 'a.TEST'))
    assert.ok(isDirect('https://x.y.a.test', 'a.test'))
    for (const below of ['.a.test', '*.a.test']) {
      assert.ok(isDirect('https://x.a.test', below))
      assert.ok(!isDirect('https://a.test', below))
    }
    assert.ok(!isDirect('https://a.test', '*a.test'))
    assert.ok(isDirect('https://bücher.test', 'b.test, bücher.test'))
    assert.ok(!isDirect('https://a.test', ' ,,.'))
  })

  it('holds one port where one is said, of names, addresses and IPv6 in brackets', () => {
    assert.ok(isDirect('https://x.a.test:5000', 'a.test:5000'))
    assert.ok(isDirect('http://a.test', '.b,a.test:80'))
    assert.ok(!isDirect('https://a.test', 'a.test:80'))
    assert.ok(isDirect('https://10.1.2.3:5000', '10.1.2.3:5000'))
    assert.ok(!isDirect('https://10.1.2.3', '10.1.2.3:5000'))
    assert.ok(isDirect('https://[fd00::1]:5000', '[fd00:0:0::1]:5000'))
    assert.ok(isDirect('https://[fd00::1]', 'FD00:0::0001'))
    assert.ok(!isDirect('https://[fd00::1]', '[fd00::1]:5000'))
  })

  it('takes networks for addresses and never for names, and * for all there is', () => {
    assert.ok(isDirect('https://10.200.0.1', '10.0.0.0/8'))
    assert.ok(!isDirect('https://ten.test', '10.0.0.0/8'))
    assert.ok(isDirect('https://[fd00::1]', 'fd00::/8'))
    assert.ok(!isDirect('https://10.0.0.1', '10.0.0.0/99'))
    assert.ok(isDirect('https://anything.test:1', 'x, *'))
  })
})
