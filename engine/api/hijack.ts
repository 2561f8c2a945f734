import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { ClientConnection, TakenConnection } from '../contract/common.ts'
import { InvalidParameterError } from '../errors.ts'
import { unsentBytes } from '../native/send.ts'

/** How long a client may keep its half open once the container's streams have ended. */
const LINGER_MS = 10_000
/** How often a client whose input is at its end is looked for. */
const PROBE_MS = 2_000
/** How long a TCP connection is silent before its peer is asked whether it is there. */
const KEEP_ALIVE_MS = 60_000
/** How long a stream waits at most for its client to have read the answer's head, and how often it looks. */
const HEAD_MS = 2_000
const HEAD_AGAIN_MS = 1
const NOTHING = Buffer.alloc(0)

/**
 * Takes the connection of a request that Node made no upgrade of away from its HTTP server.
 *
 * Node has no call for it: its server reads the connection through listeners that its own upgrade path removes in just
 * this way (`close` listeners stay: they only clean up), and adding a `data` listener makes its parser let go of the
 * descriptor. What a client sent together with the request's head and before the answer was parsed as HTTP by then
 * (dockerd drops it); clients of these forms wait for the answer.
 */
export function takeOver(request: IncomingMessage, response: ServerResponse): Socket {
  const socket = request.socket
  response.detachSocket(socket)
  socket.on('data', ignore)
  for (const event of ['data', 'end', 'drain', 'error', 'timeout', 'readable', 'pause', 'resume']) {
    socket.removeAllListeners(event)
  }
  socket.setTimeout(0)
  socket.pause()
  return socket
}

/** Of a connection's handle, what Node has no public way to; so since node 0.10. */
interface Handle {
  /** With TLS: of the connection below. */
  fd?: number
  reading: boolean
  readStart(): void
  readStop(): void
}

/** A connection that came by Upgrade, for an engine that can serve a stream on it by itself. */
export class UpgradedClient implements ClientConnection {
  readonly #socket: Socket
  readonly #response: ServerResponse
  readonly #head: (tty: boolean) => string
  /** Bytes that had been read by then; undefined when some of them were not the request's. */
  #readAtGreeting: number | undefined
  #isGreeted = false
  /** Somebody else serves it. */
  isGone = false

  /** @param head of the answer */
  constructor(socket: Socket, response: ServerResponse, head: (tty: boolean) => string) {
    this.#socket = socket
    this.#response = response
    this.#head = head
  }

  /** Answers, and returns the raw connection. */
  greet(tty: boolean): Socket {
    const socket = this.#socket
    this.#isGreeted = true
    if (socket.readableLength === 0) this.#readAtGreeting = socket.bytesRead
    this.#response.detachSocket(socket)
    socket.write(this.#head(tty))
    return socket
  }

  take(tty: boolean): TakenConnection | undefined {
    const socket = this.#socket
    const handle = this.#handle
    if (!handle || handle.fd === undefined || handle.fd < 0 || !socket.writable) return undefined
    // its descriptor is that of the connection below, which carries no plain bytes
    if (socket instanceof TLSSocket) return undefined
    // what was read beyond the request could not be given along
    const isClean = this.#isGreeted
      ? socket.bytesRead === this.#readAtGreeting
      : socket.readableLength === 0
    if (!isClean || socket.writableLength > 0) return undefined
    // over TCP, for a peer that is gone without a word
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    handle.reading = false
    handle.readStop()
    return { fd: handle.fd, greeting: this.#isGreeted ? '' : this.#head(tty) }
  }

  letGo(): void {
    this.isGone = true
    if (!this.#isGreeted) this.#response.detachSocket(this.#socket)
    // closes our descriptor; the connection stays open as long as somebody has another
    this.#socket.destroy()
  }

  /** Else nobody would see its end, and it would be kept for ever. */
  giveBack(): void {
    const handle = this.#handle
    if (!handle) return
    handle.reading = true
    handle.readStart()
  }

  get #handle(): Handle | null | undefined {
    return handleOf(this.#socket)
  }
}

function handleOf(socket: Duplex): Handle | null | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle
}

/**
 * Resolves when a client that is to get a raw stream has read the answer's head, which was just written. There are
 * clients (Python's docker among them) that read the head with all that has come behind it and then go on with what comes
 * next: what is sent too early is lost on them.
 */
export async function headRead(connection: Duplex): Promise<void> {
  const deadline = performance.now() + HEAD_MS
  while (isUnread(connection) && performance.now() < deadline) await sleep(HEAD_AGAIN_MS)
}

/** Over TCP: not arrived at the other host. */
function isUnread(connection: Duplex): boolean {
  const fd = handleOf(connection)?.fd ?? -1
  return fd >= 0 && !connection.destroyed && unsentBytes(fd) > 0
}

/**
 * Joins a client's connection with a container's streams, each direction closed on its own: the client's end closes
 * stdin, the container's end closes the connection's way out. Resolves when both are over.
 *
 * A client that closes its half and one that is gone look alike to a reader, and the docker CLI closes its half at once
 * where there is no input. Only a write tells: of no bytes, it fails with EPIPE on a unix socket whose peer has closed it.
 */
export function splice(
  connection: Duplex,
  stream: Duplex,
  options: { stdin: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    let linger: NodeJS.Timeout | undefined
    let probe: NodeJS.Timeout | undefined
    const outputOver = (): void => {
      if (linger !== undefined) return
      clearInterval(probe)
      connection.end()
      connection.unpipe(stream)
      // Unread input at close makes the kernel drop output that is still under way, so it is read and thrown away.
      connection.resume()
      linger = setTimeout(() => connection.destroy(), LINGER_MS)
    }
    stream.on('end', outputOver)
    stream.on('error', outputOver)
    stream.on('close', outputOver)
    connection.on('error', ignore)
    connection.on('end', () => {
      probe = setInterval(() => {
        // not while input is still on its way to the process
        if (connection.writable && stream.writableLength === 0) connection.write(NOTHING)
      }, PROBE_MS)
    })
    connection.on('close', () => {
      clearInterval(probe)
      clearTimeout(linger)
      stream.destroy()
      resolve()
    })
    if (stream.destroyed) outputOver()
    if (options.stdin) connection.pipe(stream)
    else connection.resume()
    const send = (): void => void stream.pipe(connection, { end: false })
    // that it cannot be asked any more is no reason to keep the stream from it, nor to end the engine
    if (isUnread(connection)) void headRead(connection).then(send, send)
    else send()
  })
}

/**
 * The body of an upgrade request, which Node leaves on the connection, `Content-Length` or chunked; what follows it
 * stays on the connection.
 *
 * @throws INVALID_PARAMETER when it is longer than `limit`, malformed or cut short
 */
export async function takeBody(
  connection: Duplex,
  headers: IncomingHttpHeaders,
  limit: number,
): Promise<Buffer> {
  if (headers['transfer-encoding']?.toLowerCase().includes('chunked') === true)
    return takeChunked(connection, limit)
  const length = Number(headers['content-length'] ?? 0)
  if (!Number.isSafeInteger(length) || length < 0 || length > limit) {
    throw new InvalidParameterError(`the request's body is longer than ${String(limit)} bytes`)
  }
  return takeBytes(connection, length)
}

async function takeChunked(connection: Duplex, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let total = 0
  for (;;) {
    const line = await takeLine(connection)
    const hex = line.split(';')[0]?.trim() ?? ''
    if (!/^[0-9a-fA-F]{1,8}$/.test(hex))
      throw new InvalidParameterError('malformed chunked encoding')
    const size = parseInt(hex, 16)
    if (size === 0) break
    total += size
    if (total > limit)
      throw new InvalidParameterError(`the request's body is longer than ${String(limit)} bytes`)
    parts.push(await takeBytes(connection, size))
    if ((await takeLine(connection)) !== '')
      throw new InvalidParameterError('malformed chunked encoding')
  }
  // Trailers, up to the empty line.
  while ((await takeLine(connection)) !== '');
  return Buffer.concat(parts)
}

async function takeLine(connection: Duplex): Promise<string> {
  const bytes: number[] = []
  for (;;) {
    const [byte = 0] = await takeBytes(connection, 1)
    if (byte === 0x0a) break
    bytes.push(byte)
    if (bytes.length > 4096) throw new InvalidParameterError('malformed chunked encoding')
  }
  return Buffer.from(bytes).toString('latin1').replace(/\r$/, '')
}

async function takeBytes(connection: Duplex, count: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let missing = count
  while (missing > 0) {
    const chunk = connection.read() as Buffer | null
    if (chunk === null) {
      await readable(connection)
      continue
    }
    const part = chunk.subarray(0, missing)
    parts.push(part)
    missing -= part.length
    if (chunk.length > part.length) connection.unshift(chunk.subarray(part.length))
  }
  return Buffer.concat(parts)
}

async function readable(connection: Duplex): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      clear()
      resolve()
    }
    const fail = (): void => {
      clear()
      reject(new InvalidParameterError("the request's body was cut short"))
    }
    const clear = (): void => {
      connection.off('readable', done)
      connection.off('end', fail)
      connection.off('close', fail)
    }
    if (connection.readableEnded || connection.destroyed) {
      fail()
      return
    }
    connection.on('readable', done)
    connection.on('end', fail)
    connection.on('close', fail)
  })
}

function ignore(): void {
  // Whoever writes to the connection sees its failure as `close`.
}
