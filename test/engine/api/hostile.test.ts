import assert from 'node:assert/strict'
import http from 'node:http'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { NotFoundError } from '../../../engine/errors.ts'
import { openDoor } from './door.ts'
import type { Door, RawConnection } from './door.ts'

/** A door of which inspect tells what it was asked for, and info is there. */
function door(t: Parameters<typeof openDoor>[0]): Promise<Door> {
  return openDoor(t, {
    containers: {
      inspect: (id) => Promise.reject(new NotFoundError(`No such container: ${id}`)),
      list: () => Promise.resolve([]),
      create: () => Promise.resolve({ Id: 'x', Warnings: [] }),
    },
    system: { info: () => Promise.resolve({ ID: 'x' }) },
  })
}

/** What a bare connection gets for bytes that no HTTP client would send. */
async function raw(from: Door, bytes: string): Promise<string> {
  const connection = from.connect()
  connection.send(bytes)
  connection.socket.end()
  return connection.ended()
}

function messageOf(answer: { text: string }): string | undefined {
  return (JSON.parse(answer.text) as { message?: string }).message
}

describe('requests that are none', () => {
  it('unknown paths and wrong methods are 404 in JSON, as with Docker', async (t) => {
    const api = await door(t)
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/v1.43'],
      ['GET', '/v1.43/'],
      ['GET', '/containers'],
      ['GET', '/containers//json'],
      ['PUT', '/containers/json'],
      ['DELETE', '/info'],
      ['PATCH', '/containers/x/json'],
      ['GET', '/containers/x/json/more'],
    ] as const) {
      const answer = await api.request(method, path)
      assert.equal(answer.status, 404, `${method} ${path}`)
      assert.equal(answer.headers['content-type'], 'application/json')
      assert.equal(messageOf(answer), 'page not found')
    }
    const head = await api.request('HEAD', '/containers/json')
    assert.deepEqual([head.status, head.text], [404, ''])
  })

  it('ids that would leave their place are ids of nothing', async (t) => {
    const api = await door(t)
    for (const [path, id] of [
      ['/containers/../json', '..'],
      ['/containers/..%2f..%2fetc%2fpasswd/json', '../../etc/passwd'],
      ['/containers/%2e%2e/json', '..'],
      ['/containers/a%00b/json', 'a\0b'],
      ['/containers/%E2%82%AC/json', '€'],
    ]) {
      const answer = await api.request('GET', path ?? '')
      assert.deepEqual([answer.status, messageOf(answer)], [404, `No such container: ${id ?? ''}`])
    }
    const broken = await api.request('GET', '/containers/%zz/json')
    assert.deepEqual([broken.status, messageOf(broken)], [400, 'the path is not well-formed'])
  })

  it('bodies that are no JSON, or none of the right types, are told apart', async (t) => {
    const api = await door(t)
    const post = async (body: string, headers: Record<string, string> = {}): Promise<string> => {
      const answer = await api.request('POST', '/containers/create', body, headers)
      assert.equal(answer.status, 400, body)
      return messageOf(answer) ?? ''
    }
    for (const body of ['{', 'nope', '{"Image":"x",}', '\x00'])
      assert.match(await post(body), /^invalid JSON: /)
    assert.equal(await post('{"Image":"x"} {}'), 'unexpected content after JSON')
    for (const body of [
      '5',
      '"a"',
      '[]',
      '{"Env":"A=b"}',
      '{"Env":[1]}',
      '{"HostConfig":[]}',
      '{"Tty":"yes"}',
    ])
      assert.match(await post(body), /^invalid JSON: /)
    assert.match(
      await post('{}', { 'Content-Type': 'application/jsonx' }),
      /unsupported Content-Type/,
    )
    assert.match(await post('{}', { 'Content-Type': '' }), /unsupported Content-Type/)
    assert.match(await post('{"Image":"x","HostConfig":{"Memory":1e400}}'), /Memory/)
    const typed = await api.request('POST', '/containers/create', '{"Image":"x"}', {
      'Content-Type': 'Application/JSON; charset=utf-8',
    })
    assert.equal(typed.status, 201)
    const nested = `${'{"HostConfig":'.repeat(20_000)}1${'}'.repeat(20_000)}`
    const deep = await api.request('POST', '/containers/create', nested)
    assert.ok(deep.status === 201 || deep.status === 400, 'and the engine lives')
    assert.equal((await api.request('GET', '/info')).status, 200)
  })

  it('keys that JavaScript knows are only keys', async (t) => {
    const api = await door(t)
    const body = '{"Image":"x","__proto__":{"Tty":true},"constructor":1,"Labels":{"__proto__":"a"}}'
    assert.equal((await api.request('POST', '/containers/create', body)).status, 201)
    assert.equal(({} as { Tty?: boolean }).Tty, undefined)
  })

  it('heads that are too long or malformed end the connection, and nothing else', async (t) => {
    const api = await door(t)
    const long = await raw(
      api,
      `GET /info HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(200_000)}\r\n\r\n`,
    )
    assert.match(long, /^HTTP\/1\.1 431 /)
    for (const bytes of [
      'NONSENSE\r\n\r\n',
      'GET /info HTTP/9.9\r\n\r\n',
      'GET /info HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      'GET /info HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      '\x16\x03\x01\x02\x00',
    ]) {
      assert.match(await raw(api, bytes), /^HTTP\/1\.1 400 /, JSON.stringify(bytes))
    }
    assert.equal((await api.request('GET', '/info')).status, 200)
  })

  it('a query that is no query is read as far as it goes', async (t) => {
    const api = await door(t)
    for (const query of [
      '?',
      '?&&&',
      '?all',
      '?all=%zz',
      '?all=1&all=0',
      `?${'x=1&'.repeat(2000)}`,
    ])
      assert.equal((await api.request('GET', `/containers/json${query}`)).status, 200, query)
    assert.equal((await api.request('GET', '/containers/json?limit=1e3')).status, 400)
    assert.equal(
      (await api.request('GET', '/containers/json?limit=99999999999999999999')).status,
      400,
    )
    assert.equal((await api.request('GET', '/containers/json?filters=%00')).status, 400)
  })
})

describe('requests in pieces', () => {
  it('answers pipelined requests in their order', async (t) => {
    const api = await door(t)
    const connection = api.connect()
    connection.send(
      'GET /info HTTP/1.1\r\nHost: x\r\n\r\nGET /containers/a/json HTTP/1.1\r\nHost: x\r\n\r\nGET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    )
    const text = await connection.ended()
    assert.deepEqual(
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ['200', '404', '200'],
    )
  })

  it('takes bodies in chunks', async (t) => {
    const api = await door(t)
    const connection = api.connect()
    connection.send(
      'POST /containers/create HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"Ima\r\n',
    )
    await sleep(10)
    connection.send('8\r\nge":"x"}\r\n0\r\n\r\n')
    assert.match(await connection.ended(), /^HTTP\/1\.1 201 /)
  })

  it('waits for a slow client without holding up another', async (t) => {
    const api = await door(t)
    const connection: RawConnection = api.connect()
    for (const byte of 'GET /in') {
      connection.send(byte)
      await sleep(2)
    }
    assert.equal((await api.request('GET', '/info')).status, 200)
    connection.send('fo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.match(await connection.ended(), /^HTTP\/1\.1 200 /)
  })

  it('lives when a client leaves in the middle of its body', async (t) => {
    const api = await door(t)
    const connection = api.connect()
    connection.send(
      'POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    )
    await sleep(10)
    connection.socket.destroy()
    await sleep(10)
    assert.equal((await api.request('GET', '/info')).status, 200)
  })

  it('asks for a body that a client offers with Expect', async (t) => {
    const api = await door(t)
    const status = await new Promise((resolve, reject) => {
      const request = http.request({
        socketPath: api.socketPath,
        method: 'POST',
        path: '/containers/create',
        headers: {
          Expect: '100-continue',
          'Content-Type': 'application/json',
          'Content-Length': 13,
        },
      })
      request.on('continue', () => request.end('{"Image":"x"}'))
      request.on('response', (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      request.on('error', reject)
      request.flushHeaders()
    })
    assert.equal(status, 201)
  })
})
