import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Duplex, PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttachOptions } from '../../../engine/contract/containers.ts'
import type { ExecInspect } from '../../../engine/contract/execs.ts'
import { EngineError, NotFoundError } from '../../../engine/errors.ts'
import { openDoor } from './door.ts'
import type { Door } from './door.ts'

/** A container's streams: what is written comes back in capitals, its end as `[eof]`. */
function shouter(): Duplex {
  const output = new PassThrough()
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => output.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      stream.push(chunk.toString().toUpperCase())
      done()
    },
    final: (done) => {
      stream.push('[eof]')
      stream.push(null)
      done()
    },
  })
  return stream
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n'

function execInspect(tty: boolean): ExecInspect {
  return {
    OpenStdin: true,
    ProcessConfig: { tty, entrypoint: '', arguments: [], privileged: false, user: '' },
  } as unknown as ExecInspect
}

async function attachDoor(
  t: Parameters<typeof openDoor>[0],
  stream: Duplex,
  tty = true,
): Promise<Door> {
  return openDoor(t, {
    containers: {
      attach: (id) =>
        id === 'gone'
          ? Promise.reject(new NotFoundError('No such container: gone'))
          : Promise.resolve({ stream, tty }),
    },
    system: { info: () => Promise.resolve({ ID: 'x' }) },
  })
}

describe('hijacked connections', () => {
  it('answers 101 to an Upgrade and closes each direction on its own', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    connection.send(
      `POST /v1.43/containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
    )
    const head = await connection.until((text) => text.includes('\r\n\r\n'))
    assert.match(head, /^HTTP\/1\.1 101 UPGRADED\r\n/)
    assert.match(head, /content-type: application\/vnd\.docker\.raw-stream\r\n/i)
    assert.match(head, /upgrade: tcp/i)
    connection.send('hello')
    await connection.until((text) => text.endsWith('HELLO'))
    connection.socket.end()
    assert.ok((await connection.ended()).endsWith('HELLO[eof]'))
  })

  it('says multiplexed from 1.42 on when there is no terminal', async (t) => {
    for (const [version, type] of [
      ['1.41', 'raw-stream'],
      ['1.42', 'multiplexed-stream'],
    ]) {
      const door = await attachDoor(t, shouter(), false)
      const connection = door.connect()
      connection.send(
        `POST /v${version ?? ''}/containers/x/attach?stream=1 HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
      )
      const head = await connection.until((text) => text.includes('\r\n\r\n'))
      assert.ok(head.includes(`vnd.docker.${type ?? ''}`))
      connection.socket.destroy()
    }
  })

  it('loses no byte that came together with the head', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    connection.send(
      `POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n${UPGRADE}\r\nearly`,
    )
    await connection.until((text) => text.endsWith('EARLY'))
    connection.socket.destroy()
  })

  it('answers 101 to Upgrade without Connection, too, and passes on what then comes', async (t) => {
    for (const [tty, type] of [
      [true, 'raw-stream'],
      [false, 'multiplexed-stream'],
    ] as const) {
      const door = await attachDoor(t, shouter(), tty)
      const connection = door.connect()
      connection.send(
        'POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n\r\n',
      )
      const head = await connection.until((text) => text.includes('\r\n\r\n'))
      assert.match(head, /^HTTP\/1\.1 101 UPGRADED\r\n/)
      assert.ok(head.includes(`Content-Type: application/vnd.docker.${type}\r\n`))
      assert.match(head, /\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/)
      // none of it is HTTP any more, whatever it looks like
      connection.send('GET / HTTP/1.1\r\n\r\n')
      await connection.until((text) => text.endsWith('GET / HTTP/1.1\r\n\r\n'))
      connection.send('more')
      connection.socket.end()
      assert.ok((await connection.ended()).endsWith('MORE[eof]'))
    }
  })

  it('has a refusal for Upgrade without Connection, after which the connection serves on', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    const upgrade = 'Host: x\r\nUpgrade: tcp\r\n\r\n'
    connection.send(`POST /containers/gone/attach?stream=1 HTTP/1.1\r\n${upgrade}`)
    await connection.until((text) => text.includes('No such container: gone'))
    connection.send(`POST /containers/x/attach?stream=1&stdin=1 HTTP/1.1\r\n${upgrade}`)
    await connection.until((text) => text.includes('HTTP/1.1 101 UPGRADED'))
    connection.send('hello')
    await connection.until((text) => text.endsWith('HELLO'))
    connection.socket.destroy()
  })

  it('serves the old way without Upgrade', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    connection.send(
      'POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n',
    )
    const head = await connection.until((text) => text.includes('\r\n\r\n'))
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(head, /content-type: application\/vnd\.docker\.raw-stream\r\n/i)
    connection.send('GET / HTTP/1.1\r\n\r\n')
    await connection.until((text) => text.endsWith('GET / HTTP/1.1\r\n\r\n'))
    connection.send('more')
    connection.socket.end()
    assert.ok((await connection.ended()).endsWith('MORE[eof]'))
  })

  it('keeps what a client sends from a container whose stdin was not asked for', async (t) => {
    let ended = false
    const stream = new Duplex({
      read: () => undefined,
      write: () => assert.fail('nothing may be written'),
      final: (done) => {
        ended = true
        done()
      },
    })
    const door = await attachDoor(t, stream)
    const connection = door.connect()
    connection.send(
      `POST /containers/x/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\nhello`,
    )
    await connection.until((text) => text.includes('\r\n\r\n'))
    connection.socket.end('more')
    await sleep(30)
    stream.push('still here')
    stream.push(null)
    assert.ok((await connection.ended()).endsWith('still here'))
    assert.equal(ended, false)
  })

  it('lets go of the container when the client is gone', async (t) => {
    const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
    const door = await attachDoor(t, stream)
    const connection = door.connect()
    connection.send(
      `POST /containers/x/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
    )
    await connection.until((text) => text.includes('\r\n\r\n'))
    connection.socket.destroy()
    await sleep(20)
    stream.push('into the void')
    while (!stream.destroyed) await sleep(5)
  })

  it('moves much data both ways at the pace of the slower side', async (t) => {
    const echo = new PassThrough()
    const door = await attachDoor(t, echo)
    const connection = door.connect()
    connection.send(
      `POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`,
    )
    const head = await connection.until((text) => text.includes('\r\n\r\n'))
    const sent = randomBytes(8 * 1024 * 1024)
    connection.socket.end(sent)
    const received = await connection.ended()
    const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    assert.equal(
      digest(Buffer.from(received.slice(head.indexOf('\r\n\r\n') + 4), 'latin1')),
      digest(sent),
    )
  })

  it('tells errors by status and closes, though Upgrade was asked for', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    connection.send(`POST /containers/gone/attach HTTP/1.1\r\nHost: x\r\n${UPGRADE}\r\n`)
    const text = await connection.ended()
    assert.match(text, /^HTTP\/1\.1 404 /)
    assert.ok(text.endsWith('{"message":"No such container: gone"}\n'))
  })

  it('answers an ordinary request that offers an Upgrade', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    connection.send('GET /info HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
    const text = await connection.ended()
    assert.match(text, /^HTTP\/1\.1 200 /)
    assert.ok(text.includes('{"ID":"x"}'))
  })
})

describe('exec start', () => {
  const body = '{"Detach":false,"Tty":true}'

  async function execDoor(
    t: Parameters<typeof openDoor>[0],
    seen: unknown[],
    tty = true,
  ): Promise<Door> {
    return openDoor(t, {
      execs: {
        inspect: () => Promise.resolve(execInspect(tty)),
        start: (id, options) => {
          const { client: _, ...body } = options ?? {}
          seen.push(JSON.parse(JSON.stringify(body)))
          if (id === 'broken')
            return Promise.reject(new EngineError('INVALID_PARAMETER', 'exec: "x": not found'))
          return Promise.resolve(options?.Detach === true ? { tty } : { stream: shouter(), tty })
        },
      },
    })
  }

  it('reads its JSON from an Upgrade request by length, and what follows is stdin', async (t) => {
    const seen: unknown[] = []
    const door = await execDoor(t, seen)
    const connection = door.connect()
    const head = `POST /exec/x/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${String(body.length)}\r\n${UPGRADE}\r\n`
    connection.send(head + body.slice(0, 5))
    await sleep(20)
    connection.send(`${body.slice(5)}typed`)
    await connection.until((text) => text.endsWith('TYPED'))
    assert.deepEqual(seen, [{ Detach: false, Tty: true }])
    connection.socket.destroy()
  })

  it('reads it chunked as well', async (t) => {
    const seen: unknown[] = []
    const door = await execDoor(t, seen)
    const connection = door.connect()
    connection.send(
      `POST /exec/x/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n${UPGRADE}\r\n`,
    )
    connection.send(`a\r\n${body.slice(0, 10)}\r\n`)
    await sleep(10)
    connection.send(`${(body.length - 10).toString(16)};x=y\r\n${body.slice(10)}\r\n0\r\n\r\ntyped`)
    await connection.until((text) => text.endsWith('TYPED'))
    assert.deepEqual(seen, [{ Detach: false, Tty: true }])
    connection.socket.destroy()
  })

  it('refuses a malformed or endless body', async (t) => {
    const door = await execDoor(t, [])
    for (const rest of [
      'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
      'Content-Length: 99999999\r\n\r\n',
    ]) {
      const connection = door.connect()
      connection.send(`POST /exec/x/start HTTP/1.1\r\nHost: x\r\n${UPGRADE}${rest}`)
      assert.match(await connection.ended(), /^HTTP\/1\.1 400 /)
    }
  })

  it('tells on the output why a command cannot start', async (t) => {
    const door = await execDoor(t, [], false)
    const connection = door.connect()
    connection.send(
      `POST /exec/broken/start HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n${UPGRADE}\r\n{}`,
    )
    const text = await connection.ended()
    assert.match(text, /^HTTP\/1\.1 101 /)
    assert.ok(text.endsWith('\x01\0\0\0\0\0\0\x16exec: "x": not found\r\n'))
  })

  it('answers 200 at once when detached', async (t) => {
    const seen: unknown[] = []
    const door = await execDoor(t, seen)
    const { status, text } = await door.request('POST', '/exec/x/start', '{"Detach":true}')
    assert.deepEqual([status, text], [200, ''])
    assert.deepEqual(seen, [{ Detach: true }])
  })
})

describe('attach by websocket', () => {
  it('carries both directions in binary messages', async (t) => {
    let seen: AttachOptions | undefined
    const door = await openDoor(t, {
      containers: {
        attach: (_id, options) => {
          seen = options
          return Promise.resolve({ stream: shouter(), tty: true })
        },
      },
    })
    const connection = door.connect()
    const key = randomBytes(16).toString('base64')
    connection.send(
      `GET /containers/x/attach/ws?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
    const head = await connection.until((text) => text.includes('\r\n\r\n'))
    const accept = createHash('sha1')
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    assert.ok(head.includes(`Sec-WebSocket-Accept: ${accept}`))
    assert.equal(seen?.stdin, true)
    connection.send(masked(0x82, 'hello'))
    await connection.until((text) => text.endsWith('\x82\x05HELLO'))
    // In two frames, with a ping between them.
    const split = [masked(0x01, 'ab'), masked(0x89, 'p'), masked(0x80, 'cd')]
    connection.send(Buffer.concat(split))
    await connection.until((text) => text.includes('\x8a\x01p') && text.endsWith('\x82\x04ABCD'))
    connection.send(masked(0x88, '\x03\xe8'))
    assert.ok((await connection.ended()).includes('\x88\x02\x03\xe8'))
  })

  it('ends with 1002 at a frame that is none', async (t) => {
    const door = await attachDoor(t, shouter())
    const connection = door.connect()
    connection.send(
      'GET /containers/x/attach/ws?stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
    await connection.until((text) => text.includes('\r\n\r\n'))
    connection.send('\x82\x01x')
    assert.ok((await connection.ended()).endsWith('\x88\x02\x03\xea'))
  })
})

function masked(first: number, text: string): Buffer {
  const mask = [1, 2, 3, 4]
  const payload = Buffer.from(text, 'latin1').map((byte, index) => byte ^ (mask[index & 3] ?? 0))
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, ...mask]), payload])
}
