import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { errorMessage } from '../../../engine/errors.ts'
import { instanceAt, registriesOf } from '../../../engine/instance.ts'
import { logIn } from '../../../engine/registry/login.ts'

type Handler = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
) => Promise<void> | void

async function serve(t: TestContext, handler: Handler): Promise<string> {
  const server = http.createServer((request, response) => void handler(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

const REGISTRIES = registriesOf(
  instanceAt({ dataRoot: '/nowhere', runRoot: '/nowhere', bridgeSubnet: '10.9.0.0/24' }),
)

describe('logIn()', () => {
  it('tries basic credentials, and tells a refusal in the words of the registry', async (t) => {
    const serveraddress = await serve(t, (request, response) => {
      assert.equal(request.url, '/v2/')
      if (request.headers.authorization === basic('me', 'right')) response.end('{}')
      else {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' })
        response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
      }
    })
    assert.equal(await logIn(REGISTRIES, { username: 'me', password: 'right', serveraddress }), '')
    for (const credentials of [{ username: 'me', password: 'wrong' }, {}]) {
      await assert.rejects(logIn(REGISTRIES, { ...credentials, serveraddress }), {
        code: 'UNAUTHORIZED',
        message: `login attempt to http://${serveraddress}/v2/ failed with status: 401 Unauthorized: unauthorized: authentication required`,
      })
    }
  })

  it('gets an identity token where the registry gives one, and logs in by it again', async (t) => {
    const asked: string[] = []
    const serveraddress = await serve(t, async (request, response) => {
      const { authorization } = request.headers
      const url = new URL(request.url ?? '', `http://${request.headers.host ?? ''}`)
      if (url.pathname === '/token') {
        const form = new URLSearchParams(await text(request))
        asked.push(`${request.method ?? ''} ${url.search} ${form.toString()}`)
        const isFit =
          authorization === basic('me', 'right') || form.get('refresh_token') === 'identity'
        if (isFit) response.end('{"access_token":"good","refresh_token":"identity"}')
        else response.writeHead(401).end('{"details":"incorrect username or password"}')
        return
      }
      if (authorization === 'Bearer good') response.end('{}')
      else {
        const realm = `http://${request.headers.host ?? ''}/token`
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="s"` }).end()
      }
    })
    const address = `http://${serveraddress}/v1/`
    assert.equal(
      await logIn(REGISTRIES, { username: 'me', password: 'right', serveraddress: address }),
      'identity',
    )
    assert.match(asked[0] ?? '', /^GET \?service=s&offline_token=true&client_id=gantry&account=me /)
    assert.equal(
      await logIn(REGISTRIES, { identitytoken: 'identity', serveraddress: address }),
      'identity',
    )
    assert.match(asked[1] ?? '', /^POST .*grant_type=refresh_token/)
    await assert.rejects(
      logIn(REGISTRIES, { username: 'me', password: 'wrong', serveraddress: address }),
      {
        code: 'UNAUTHORIZED',
        message: `Get "http://${serveraddress}/v2/": unauthorized: incorrect username or password`,
      },
    )
  })

  it('tells what a token server without words means, and one without a token', async (t) => {
    let answer = { status: 401, body: 'no way' }
    const serveraddress = await serve(t, (request, response) => {
      const { host = '' } = request.headers
      if (request.url?.startsWith('/token') === true)
        response.writeHead(answer.status).end(answer.body)
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token"` }).end() // prettier-ignore
    })
    const refused = async (credentials: object): Promise<string> =>
      await logIn(REGISTRIES, { ...credentials, serveraddress }).then(
        () => 'taken',
        (error: unknown) => errorMessage(error).replaceAll(serveraddress, 'HOST'),
      )
    const withPassword = { username: 'me', password: 'x' }
    for (const status of [401, 403]) {
      answer = { status, body: 'no way' }
      assert.equal(await refused({}), 'Get "http://HOST/v2/": unauthorized: authentication required') // prettier-ignore
      assert.equal(await refused(withPassword), 'Get "http://HOST/v2/": unauthorized: incorrect username or password') // prettier-ignore
    }
    answer = { status: 200, body: '{"something":"wrong"}' }
    assert.equal(await refused({}), 'Get "http://HOST/v2/": authorization server did not include a token in the response: HOST') // prettier-ignore
  })

  it('says who could not be reached', async () => {
    await assert.rejects(logIn(REGISTRIES, { serveraddress: '127.0.0.1:1' }), {
      code: 'UNAVAILABLE',
      message: /^Get "https:\/\/127\.0\.0\.1:1\/v2\/": cannot reach/,
    })
  })

  it('says of what is no address that it is none', async () => {
    for (const serveraddress of ['host:x', 'host:99999', 'a b'])
      await assert.rejects(logIn(REGISTRIES, { serveraddress }), {
        code: 'INVALID_PARAMETER',
        message: `"${serveraddress}" is no address of a registry: use HOST or HOST:PORT`,
      })
  })
})
