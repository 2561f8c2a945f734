import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from '../../../engine/api/server.ts'
import type { Engine } from '../../../engine/contract.ts'
import type { Filters } from '../../../engine/contract/common.ts'
import { ConflictError, NotFoundError, NotModifiedError } from '../../../engine/errors.ts'
import type { ContainerStatsResponse } from '../../../engine/types/docker.ts'
import { openDoor } from './door.ts'

describe('createApiServer', () => {
  it('answers a ping with what clients negotiate by', async (t) => {
    const door = await openDoor(t, {})
    const { status, headers, text } = await door.request('GET', '/_ping')
    assert.equal(status, 200)
    assert.equal(text, 'OK')
    assert.equal(headers['api-version'], '1.56')
    assert.equal(headers['docker-experimental'], 'true')
    assert.equal(headers.ostype, 'linux')
    assert.equal(headers.swarm, 'inactive')
    assert.match(headers['cache-control'] ?? '', /no-store/)
    const head = await door.request('HEAD', '/v1.41/_ping')
    assert.equal(head.status, 200)
    assert.equal(head.text, '')
  })

  it('refuses versions it does not speak, in Docker words', async (t) => {
    const door = await openDoor(t, {})
    assert.deepEqual(await door.json('GET', '/v1.99/info'), {
      message: 'client version 1.99 is too new. Maximum supported API version is 1.56',
    })
    assert.deepEqual(await door.json('GET', '/v1.10/info'), {
      message:
        'client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
    })
    assert.equal((await door.request('GET', '/v1.99/info')).status, 400)
  })

  it('tells unknown paths from those of the reference that are absent', async (t) => {
    const door = await openDoor(t, {})
    const unknown = await door.request('GET', '/v1.43/nowhere')
    assert.equal(unknown.status, 404)
    assert.deepEqual(JSON.parse(unknown.text), { message: 'page not found' })
    assert.equal((await door.request('PUT', '/containers/json')).status, 404)
    const absent = await door.request('GET', '/v1.53/images/a/b:1/attestations')
    assert.equal(absent.status, 501)
    assert.deepEqual(JSON.parse(absent.text), {
      message: 'Gantry does not implement GET /images/{name}/attestations',
    })
  })

  it('turns errors into status and message, and 304 into no body', async (t) => {
    const door = await openDoor(t, {
      containers: {
        start: (id) => {
          if (id === 'gone') return Promise.reject(new NotFoundError('No such container: gone'))
          if (id === 'odd') return Promise.reject(new Error('boom'))
          if (id === 'busy') return Promise.reject(new ConflictError('busy'))
          return Promise.reject(new NotModifiedError('runs'))
        },
      },
    })
    const answers = await Promise.all(
      ['gone', 'odd', 'busy', 'running'].map((id) =>
        door.request('POST', `/containers/${id}/start`),
      ),
    )
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 500, 409, 304],
    )
    assert.deepEqual(JSON.parse(answers[0]?.text ?? ''), { message: 'No such container: gone' })
    assert.equal(answers[3]?.text, '')
  })

  it('reads parameters from a form as Go does: of a POST, before those of the query', async (t) => {
    const seen: unknown[] = []
    const door = await openDoor(t, {
      containers: {
        kill: (id, signal) => Promise.resolve(void seen.push(signal)),
        remove: (id, options) => Promise.resolve(void seen.push(options)),
      },
    })
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    await door.request('POST', '/containers/x/kill?signal=KILL', 'signal=HUP', type)
    await door.request('DELETE', '/containers/x?v=1', 'force=1', type)
    assert.deepEqual(seen, ['HUP', { force: false, link: false, volumes: true }])
  })

  it('reads booleans, numbers and both forms of filters as Docker does', async (t) => {
    const seen: unknown[] = []
    const door = await openDoor(t, {
      containers: {
        list: (options) => {
          seen.push(options)
          return Promise.resolve([])
        },
      },
    })
    const filters = encodeURIComponent(
      JSON.stringify({ label: { 'a=b': true, no: false }, name: ['x'] }),
    )
    await door.request(
      'GET',
      `/containers/json?all=True&limit=3&size=0&filters=${filters}&unknown=1`,
    )
    await door.request('GET', '/containers/json?all=false&limit=&filters=')
    assert.deepEqual(seen, [
      {
        all: true,
        limit: 3,
        size: false,
        filters: { label: ['a=b'], name: ['x'] } satisfies Filters,
      },
      { all: false, limit: undefined, size: false, filters: undefined },
    ])
    for (const query of ['limit=x', 'filters=nonsense', 'filters=["a"]', 'filters={"a":1}']) {
      assert.equal(
        (await door.request('GET', `/containers/json?${encodeURI(query)}`)).status,
        400,
        query,
      )
    }
  })

  it('refuses broken, mistyped, missing and huge bodies with 400', async (t) => {
    const door = await openDoor(t, {})
    const post = async (
      body: string | Buffer | undefined,
      headers = {},
      url = '/containers/create',
    ): Promise<string> => {
      const { status, text } = await door.request('POST', url, body, headers)
      assert.equal(status, 400)
      return (JSON.parse(text) as { message: string }).message
    }
    assert.match(await post('{"Image": '), /^invalid JSON: /)
    assert.equal(await post('{} {}'), 'unexpected content after JSON')
    assert.equal(await post(undefined), 'invalid JSON: got EOF while reading request body')
    assert.match(await post('[]'), /^invalid JSON: /)
    assert.match(await post('{"HostConfig":{"Memory":"lots"}}'), /HostConfig\.Memory/)
    assert.match(await post('{"HostConfig":{"Memory":1.5}}'), /HostConfig\.Memory/)
    assert.match(await post('{"Labels":{"a":1}}'), /Labels\.a/)
    assert.match(
      await post('{}', { 'Content-Type': 'text/plain' }),
      /unsupported Content-Type header \(text\/plain\)/,
    )
    assert.match(await post(Buffer.alloc(17 * 1024 * 1024, 0x20)), /longer than 16 MiB/)
    // what is wrong with a body is told before what it is for
    assert.match(await post('{} {}', {}, '/commit'), /after JSON$/)
    assert.equal(await post('{}', {}, '/commit'), 'invalid name or ID supplied: ""')
  })

  it('gives the engine a create body without nulls, unknown fields and old spellings', async (t) => {
    let seen: unknown
    const door = await openDoor(t, {
      containers: {
        create: (config, options) => {
          seen = { config, options }
          return Promise.resolve({ Id: 'x', Warnings: [] })
        },
      },
    })
    const body = {
      Image: 'busybox',
      Cmd: 'ls',
      Env: null,
      Nonsense: 1,
      MacAddress: '02:42:ac:11:00:02',
      ExposedPorts: { '80/tcp': {} },
      HostConfig: {
        NetworkMode: 'net',
        PortBindings: { '80/tcp': [{ HostPort: '8080' }], '81/tcp': null },
        CgroupnsMode: '',
        LogConfig: { Type: '', Config: {} },
        PidsLimit: null,
        Memory: 64 * 1024 * 1024,
      },
    }
    const answer = await door.request(
      'POST',
      '/v1.43/containers/create?name=web&platform=',
      JSON.stringify(body),
    )
    assert.equal(answer.status, 201)
    // What JSON cannot say (undefined) is left out before comparing.
    assert.deepEqual(JSON.parse(JSON.stringify(seen)), {
      config: {
        Image: 'busybox',
        Cmd: ['ls'],
        ExposedPorts: { '80/tcp': {} },
        HostConfig: {
          NetworkMode: 'net',
          PortBindings: { '80/tcp': [{ HostPort: '8080' }], '81/tcp': [{}] },
          LogConfig: { Config: {} },
          Memory: 64 * 1024 * 1024,
        },
        NetworkingConfig: { EndpointsConfig: { net: { MacAddress: '02:42:ac:11:00:02' } } },
      },
      options: { name: 'web' },
    })
  })

  it('sends the head of a wait when it is registered, the exit later, and drops it with its client', async (t) => {
    let exit = (_code: number): void => undefined
    let signal: AbortSignal | undefined
    const door = await openDoor(t, {
      containers: {
        wait: (_id, condition, given) => {
          assert.equal(condition, 'next-exit')
          signal = given
          return Promise.resolve({
            exited: new Promise((resolve) => {
              exit = (code) => resolve({ StatusCode: code })
            }),
          })
        },
      },
    })
    const path_ = '/v1.43/containers/x/wait?condition=next-exit'
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http
        .request({ socketPath: door.socketPath, method: 'POST', path: path_ }, resolve)
        .on('error', reject)
        .end()
    })
    assert.equal(answer.statusCode, 200)
    exit(7)
    let text = ''
    for await (const chunk of answer) text += String(chunk)
    assert.deepEqual(JSON.parse(text), { StatusCode: 7 })

    const request = http.request({ socketPath: door.socketPath, method: 'POST', path: path_ }).end()
    request.on('error', () => undefined)
    await new Promise((resolve) => request.on('response', resolve))
    assert.equal(signal?.aborted, false)
    request.destroy()
    const gone = signal
    while (!isAborted(gone)) await sleep(5)
  })

  it('tells of a failed pull by status before the first line, by a line after it', async (t) => {
    let seen: unknown
    const door = await openDoor(t, {
      images: {
        async *pull(reference, options) {
          seen = { reference, auth: options?.auth }
          await sleep(1)
          if (reference === 'none:1') throw new NotFoundError('pull access denied for none')
          yield { status: 'Pulling fs layer', id: 'abc' }
          throw new Error('connection reset')
        },
      },
    })
    const early = await door.request('POST', '/images/create?fromImage=none&tag=1')
    assert.equal(early.status, 404)
    const auth = Buffer.from('{"username":"me","password":"pass","other":1}').toString('base64url')
    const late = await door.request(
      'POST',
      '/images/create?fromImage=r.io/a/b&tag=sha256:00',
      undefined,
      {
        'X-Registry-Auth': auth,
      },
    )
    assert.equal(late.status, 200)
    assert.deepEqual(
      late.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      [
        { status: 'Pulling fs layer', id: 'abc' },
        { errorDetail: { message: 'connection reset' }, error: 'connection reset' },
      ],
    )
    assert.deepEqual(JSON.parse(JSON.stringify(seen)), {
      reference: 'r.io/a/b@sha256:00',
      auth: { username: 'me', password: 'pass' },
    })
  })

  it('hands an upload to the engine as a stream', async (t) => {
    let bytes = 0
    const door = await openDoor(t, {
      images: {
        async *load(tar) {
          for await (const chunk of tar as AsyncIterable<Buffer>) bytes += chunk.length
          yield { stream: 'Loaded image: a:1\n' }
        },
      },
    })
    const answer = await door.request('POST', '/images/load', Buffer.alloc(20 * 1024 * 1024))
    assert.equal(answer.status, 200)
    assert.equal(bytes, 20 * 1024 * 1024)
    assert.deepEqual(JSON.parse(answer.text), { stream: 'Loaded image: a:1\n' })
  })

  it('begins the answer to a quiet load with its first image, and without a word about it is quiet', async (t) => {
    let isLeft = false
    const door = await openDoor(t, {
      images: {
        async *load(_tar, _options, signal) {
          yield { status: 'Loading layer', progressDetail: { current: 1, total: 2 }, id: 'abc' }
          // what is sent of an answer has come to its reader when two more have been read
          for (let i = 0; i < 2; i++) await door.request('GET', '/_ping')
          isLeft = signal?.aborted ?? false
          yield { stream: 'Loaded image: a:1\n' }
        },
      },
    })
    // as a client of Go does that closes the body unread
    const leave = async (url: string): Promise<void> => {
      const request = http.request({ socketPath: door.socketPath, method: 'POST', path: url })
      request.on('response', () => request.destroy()).end()
      await once(request, 'close')
    }
    for (const query of ['', '?quiet=1']) {
      await leave(`/images/load${query}`)
      assert.equal(isLeft, false, query)
      const { text } = await door.request('POST', `/images/load${query}`)
      assert.deepEqual(JSON.parse(text), { stream: 'Loaded image: a:1\n' })
    }
    const { text } = await door.request('POST', '/images/load?quiet=0')
    assert.match(text, /^\{"status":"Loading layer"/)
  })

  it('marks log streams by terminal and version, and wants one stream chosen', async (t) => {
    let seen: unknown
    let tty = false
    const door = await openDoor(t, {
      containers: {
        logs: (_id, options) => {
          seen = options
          return Promise.resolve({ stream: Readable.from([Buffer.from('bytes')]), tty })
        },
      },
    })
    const type = async (version: string): Promise<string | undefined> =>
      (
        await door.request(
          'GET',
          `/v${version}/containers/x/logs?stdout=1&tail=10&since=1700000000.5&until=0`,
        )
      ).headers['content-type']
    assert.equal(await type('1.41'), 'application/vnd.docker.raw-stream')
    assert.equal(await type('1.42'), 'application/vnd.docker.multiplexed-stream')
    tty = true
    assert.equal(await type('1.56'), 'application/vnd.docker.raw-stream')
    assert.deepEqual(JSON.parse(JSON.stringify(seen)), {
      stdout: true,
      stderr: false,
      follow: false,
      timestamps: false,
      details: false,
      tail: 10,
      since: 1700000000.5,
    })
    assert.deepEqual(await door.json('GET', '/containers/x/logs'), {
      message: 'Bad parameters: you must choose at least one stream',
    })
  })

  it('does not read ahead of a client that does not read', async (t) => {
    let given = 0
    const seen = { stopped: false }
    const door = await openDoor(t, {
      containers: {
        async *stats() {
          try {
            for (;;) {
              given++
              yield { name: 'x'.repeat(10_000) } as ContainerStatsResponse
              await sleep(0)
            }
          } finally {
            seen.stopped = true
          }
        },
      },
    })
    const connection = net.connect(door.socketPath)
    connection.write('GET /containers/x/stats HTTP/1.1\r\nHost: x\r\n\r\n')
    connection.pause()
    // Once the buffers between are full, no more is asked for.
    let before = -1
    while (before !== given) {
      before = given
      await sleep(250)
      assert.ok(given < 400, String(given))
    }
    connection.destroy()
    while (!seen.stopped) await sleep(5)
  })

  it('keeps a connection for the next request, also when a body was not read', async (t) => {
    const door = await openDoor(t, { system: { info: () => Promise.resolve({ ID: 'x' }) } })
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const send = (method: string, url: string, body?: Buffer): Promise<[number, boolean]> =>
      new Promise((resolve, reject) => {
        const request = http.request(
          { socketPath: door.socketPath, agent, method, path: url },
          (answer) => {
            answer.resume()
            answer.on('end', () => resolve([answer.statusCode ?? 0, request.reusedSocket]))
          },
        )
        request.on('error', reject)
        request.end(body)
      })
    assert.deepEqual(await send('POST', '/nowhere', Buffer.alloc(50_000)), [404, false])
    assert.deepEqual(await send('GET', '/info'), [200, true])
  })

  it('adds to events what old clients read', async (t) => {
    const door = await openDoor(t, {
      system: {
        async *events() {
          await sleep(1)
          yield {
            Type: 'container',
            Action: 'start',
            Actor: { ID: 'abc', Attributes: { image: 'busybox' } },
          }
        },
      },
    })
    const event = JSON.parse((await door.request('GET', '/v1.51/events?until=1')).text) as Record<
      string,
      unknown
    >
    assert.equal(event.status, 'start')
    assert.equal(event.id, 'abc')
    assert.equal(event.from, 'busybox')
  })
})

describe('listen', () => {
  const engine = {} as unknown as Engine

  it('replaces a dead socket, refuses a live one, and leaves other files alone', async (t) => {
    const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
    t.after(() => fs.rm(dir, { recursive: true, force: true }))
    const socketPath = path.join(dir, 'deep/er/s')
    const first = await listen(engine, { dataRoot: dir, socketPath })
    assert.equal((await fs.stat(socketPath)).mode & 0o777, 0o660)
    await assert.rejects(listen(engine, { dataRoot: dir, socketPath }), { code: 'CONFLICT' })
    // What a killed process leaves behind: a socket file that nobody listens on.
    const dead = path.join(dir, 'dead')
    await fs.link(socketPath, dead)
    await first.close()
    await assert.rejects(fs.stat(socketPath), { code: 'ENOENT' })
    const second = await listen(engine, { dataRoot: dir, socketPath: dead })
    await second.close()
    const file = path.join(dir, 'file')
    await fs.writeFile(file, 'precious')
    await assert.rejects(listen(engine, { dataRoot: dir, socketPath: file }), { code: 'CONFLICT' })
    assert.equal(await fs.readFile(file, 'utf8'), 'precious')
  })
})

/** A function, because the compiler takes a property read once for settled. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false
}
