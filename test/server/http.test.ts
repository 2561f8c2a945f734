import assert from 'node:assert/strict'
import net from 'node:net'
import { describe, it } from 'node:test'
import { openTestConsole } from './console.ts'
import { idOf } from './mock-engine.ts'

describe('the console server', () => {
  it('lets nobody to the Docker API without a session', async (t) => {
    const { url, signIn } = await openTestConsole(t)
    const path = `${url}/api/engine/containers/json`
    const refused = await fetch(path)
    assert.equal(refused.status, 401)
    assert.deepEqual(await refused.json(), { message: 'Sign in first.' })
    const cookie = await signIn()
    const allowed = await fetch(path, { headers: { cookie } })
    assert.equal(allowed.status, 200)
    assert.match(allowed.headers.get('content-security-policy') ?? '', /sandbox/)
    assert.equal((await fetch(path, { headers: { cookie: `${cookie}x` } })).status, 401)
    // A path that only looks like it goes to the pages.
    assert.equal((await fetch(`${url}/api/engineer`, { headers: {} })).status, 200)
  })

  it('asks the engine on behalf of whoever is signed in', async (t) => {
    const { url, signIn, mock, connect } = await openTestConsole(t)
    const cookie = await signIn()
    const headers = { cookie }
    assert.equal((await fetch(`${url}/api/engine/containers/json`, { headers })).status, 200)
    const [caller] = mock.callers
    assert.equal(caller?.kind === 'console' && caller.name, 'admin')
    assert.match((caller?.kind === 'console' && caller.userId) || '', /./)
    // by the terminal's way, too
    const { length } = mock.callers
    mock.rows = [{ Id: idOf(0xabc), Names: ['/web'], State: 'running' }]
    await connect(cookie).emitWithAck('terminal:open', {
      containerId: idOf(0xabc),
      kind: 'exec',
      size: { rows: 24, cols: 80 },
    })
    assert.deepEqual(mock.callers.slice(length), [caller])
  })

  it('refuses what another site makes the browser do, cookie or not', async (t) => {
    const { url, signIn, mock } = await openTestConsole(t)
    const cookie = await signIn()
    const foreign: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]
    for (const headers of foreign) {
      const response = await fetch(`${url}/api/engine/containers/create`, {
        method: 'POST',
        headers: { cookie, ...headers },
        body: '{}',
      })
      assert.equal(response.status, 403)
    }
    assert.deepEqual(mock.calls, [])
  })

  it('refuses upgrades without a session, from elsewhere, and to nowhere', async (t) => {
    const { server, signIn } = await openTestConsole(t)
    const port = (server.address() as net.AddressInfo).port
    const cookie = await signIn()
    const ask = (path: string, headers: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = net.connect(port, '127.0.0.1', () => {
          socket.write(
            `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${headers}\r\n`,
          )
        })
        socket.once('data', (data) => {
          resolve(data.toString().split('\r\n')[0] ?? '')
          socket.destroy()
        })
        socket.once('error', reject)
      })
    assert.match(await ask('/api/engine/containers/x/attach', ''), /401/)
    assert.match(
      await ask(
        '/api/engine/containers/x/attach',
        `Cookie: ${cookie}\r\nOrigin: http://evil.example\r\n`,
      ),
      /403/,
    )
    assert.match(await ask('/elsewhere', ''), /404/)
  })

  it('gives pages their headers and a nonce of their own, and is healthy for everyone', async (t) => {
    const { url } = await openTestConsole(t)
    const [first, second] = [await fetch(url), await fetch(url)]
    const policy = first.headers.get('content-security-policy') ?? ''
    assert.match(policy, /script-src 'self' 'nonce-[\w+/=]{20,}'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.notEqual(policy, second.headers.get('content-security-policy'))
    assert.equal(first.headers.get('x-content-type-options'), 'nosniff')
    assert.deepEqual(await (await fetch(`${url}/api/health`)).json(), { status: 'ok' })
  })
})
