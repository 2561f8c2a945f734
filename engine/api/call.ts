import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { z } from 'zod'
import { InvalidParameterError } from '../errors.ts'
import { sendFreeing } from '../send-freeing.ts'
import { splice, takeOver, UpgradedClient } from './hijack.ts'
import { TurnSender } from './turn-sender.ts'
import { isOlder } from './version.ts'

/** JSON bodies are read into memory up to here. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024

const RAW_STREAM = 'application/vnd.docker.raw-stream'
const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream'

/** How several JSON values follow each other in an answer. */
export type LineType =
  'application/json' | 'application/jsonl' | 'application/x-ndjson' | 'application/json-seq'

/** One request at the Docker API's door, with the ways to answer it. */
export class Call {
  readonly method: string
  /** Without the version prefix and the query. */
  readonly path: string
  params: Record<string, string> = {}
  readonly version: string
  /** False: the client named none, and is spoken to in the newest. */
  readonly namesVersion: boolean
  readonly headers: IncomingMessage['headers']
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly #search: URLSearchParams
  readonly #body: Readable
  #signal: AbortSignal | undefined
  /** Set for requests that came by `upgrade`: the connection, already free of Node's HTTP. */
  readonly #upgraded: Socket | undefined
  #client: UpgradedClient | undefined

  constructor(options: {
    method: string
    path: string
    search: URLSearchParams
    version: string
    /** True unless set. */
    namesVersion?: boolean
    request: IncomingMessage
    response: ServerResponse
    body: Readable
    upgraded?: Socket
  }) {
    const { request, response } = options
    this.method = options.method
    this.path = options.path
    this.version = options.version
    this.namesVersion = options.namesVersion ?? true
    this.headers = request.headers
    this.request = request
    this.response = response
    this.#search = options.search
    this.#body = options.body
    this.#upgraded = options.upgraded
  }

  /** Fires when the client goes away before its answer is complete. Made when asked for: most requests need none. */
  get signal(): AbortSignal {
    return (this.#signal ??= signalOf(this.response))
  }

  speaks(version: string): boolean {
    return !isOlder(this.version, version)
  }

  param(name: string): string {
    return this.params[name] ?? ''
  }

  /** The query's parameters that the schema names; others are ignored, as Docker does. */
  query<T extends z.ZodType>(schema: T): z.output<T> {
    return check(schema, Object.fromEntries([...this.#search].reverse()), 'invalid query parameter')
  }

  /** Every value of a parameter that may be repeated. */
  queryAll(name: string): string[] {
    return this.#search.getAll(name).filter((value) => value !== '')
  }

  header(name: string): string | undefined {
    const value = this.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  /** The request's body as it comes in. */
  get body(): Readable {
    return this.#body
  }

  /**
   * The JSON body, checked.
   *
   * @throws INVALID_PARAMETER in Docker's words when it is no JSON, too long or of wrong types
   */
  async json<T extends z.ZodType>(
    schema: T,
    options: { optional?: boolean } = {},
  ): Promise<z.output<T>> {
    const text = await readText(this.#body)
    if (text.trim() === '') {
      if (options.optional === true) return check(schema, {}, 'invalid JSON')
      throw new InvalidParameterError('invalid JSON: got EOF while reading request body')
    }
    const type = this.header('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (type !== 'application/json') {
      throw new InvalidParameterError(
        `unsupported Content-Type header (${type ?? ''}): must be 'application/json'`,
      )
    }
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      const { message } = error as Error
      if (message.startsWith('Unexpected non-whitespace character after JSON'))
        throw new InvalidParameterError('unexpected content after JSON', { cause: error })
      throw new InvalidParameterError(`invalid JSON: ${message}`, { cause: error })
    }
    // null leaves a struct of Go's as it was
    return check(schema, value ?? {}, 'invalid JSON')
  }

  /** Answers with a JSON value, or with the bare status. */
  send(status: number, value?: unknown): void {
    if (value === undefined) {
      this.response.writeHead(status)
      this.response.end()
      return
    }
    // as a string it goes out in one piece with the head
    const text = `${JSON.stringify(value)}\n`
    this.response.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    })
    this.response.end(text)
  }

  /** Answers with one JSON value a line as they come, no faster than the client reads. */
  async sendLines(
    values: AsyncIterable<unknown>,
    type: LineType = 'application/json',
  ): Promise<void> {
    const { response, signal } = this
    response.writeHead(200, { 'Content-Type': type })
    // The record separator of RFC 7464.
    const before = type === 'application/json-seq' ? '\x1e' : ''
    const sender = new TurnSender(response)
    try {
      for await (const value of values) {
        if (signal.aborted) return
        sender.send(`${before}${JSON.stringify(value)}\n`)
        if (response.writableNeedDrain) await drained(response, signal)
      }
    } finally {
      sender.flush()
    }
    response.end()
  }

  /** Answers with a byte stream, no faster than the client reads. */
  async pipe(stream: Readable, contentType: string): Promise<void> {
    this.response.writeHead(200, { 'Content-Type': contentType })
    this.response.flushHeaders()
    try {
      await pipeline(stream, this.response)
    } catch (error) {
      // The client left, or the source broke: the answer is cut short, which is all that can still be told.
      if (!this.signal.aborted) throw error
    }
  }

  /**
   * The same with an archive of container files, each chunk of which is nobody else's: its memory is given back as it is sent.
   */
  async pipeArchive(archive: Readable, contentType: string): Promise<void> {
    this.response.writeHead(200, { 'Content-Type': contentType })
    this.response.flushHeaders()
    try {
      await sendFreeing(archive, this.response)
    } catch (error) {
      if (!this.signal.aborted) throw error
    }
  }

  /**
   * Takes the connection over, answering 101 to an Upgrade and 200 without one, and returns the raw connection.
   *
   * @see POST /containers/{id}/attach, "Hijacking"
   */
  hijack(tty: boolean): Duplex {
    const { client } = this
    if (client !== undefined) return client.greet(tty)
    const socket = takeOver(this.request, this.response)
    // As dockerd, by Upgrade alone; Node makes an upgrade only of a request that says `Connection: Upgrade` as well.
    const asksForUpgrade = this.headers.upgrade !== undefined
    // the old way always says raw-stream
    const oldHead = `HTTP/1.1 200 OK\r\nContent-Type: ${RAW_STREAM}\r\n${this.#commonHead()}\r\n`
    socket.write(asksForUpgrade ? this.#upgradedHead(tty) : oldHead)
    return socket
  }

  /**
   * The connection for an engine to take over, and for `hijack` when that leaves it; undefined without an upgrade of
   * Node's, when that may have read beyond the request.
   */
  get client(): UpgradedClient | undefined {
    const upgraded = this.#upgraded
    if (upgraded === undefined) return undefined
    return (this.#client ??= new UpgradedClient(upgraded, this.response, (tty) =>
      this.#upgradedHead(tty),
    ))
  }

  #upgradedHead(tty: boolean): string {
    return `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${this.streamType(tty)}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n${this.#commonHead()}\r\n`
  }

  /** How a container's output is marked: since 1.42 the type tells frames from a terminal's plain bytes. */
  streamType(tty: boolean): string {
    return tty || !this.speaks('1.42') ? RAW_STREAM : MULTIPLEXED_STREAM
  }

  /**
   * Takes the connection over for another protocol, which the client asked for by Upgrade.
   *
   * @throws INVALID_PARAMETER when it asked for none, or another
   */
  upgrade(protocol: string): Duplex {
    const connection = this.#upgradable(protocol)
    this.response.detachSocket(connection)
    connection.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${this.#commonHead()}\r\n`,
    )
    return connection
  }

  /** Checks what `upgrade` would, before anything is done. @throws INVALID_PARAMETER as it does */
  checkUpgrade(protocol: string): void {
    this.#upgradable(protocol)
  }

  #upgradable(protocol: string): Socket {
    const asked = this.header('upgrade') ?? ''
    if (asked === '') throw new InvalidParameterError('no upgrade proto in request')
    if (asked.toLowerCase() !== protocol)
      throw new InvalidParameterError(`protocol ${asked} not supported`)
    // by RFC 9110, 7.8, the header alone asks for nothing: a proxy may have passed it on
    if (this.#upgraded === undefined)
      throw new InvalidParameterError(
        `no upgrade to ${protocol}: the request has no "Connection: Upgrade"`,
      )
    return this.#upgraded
  }

  /** For websockets, which only come by Upgrade. */
  get upgradedSocket(): Duplex | undefined {
    return this.#upgraded
  }

  /** Joins a hijacked connection with a container's streams until both are over. */
  splice(connection: Duplex, stream: Duplex, options: { stdin: boolean }): Promise<void> {
    return splice(connection, stream, options)
  }

  #commonHead(): string {
    return Object.entries(this.response.getHeaders())
      .filter(([name]) => name !== 'connection')
      .map(([name, value]) => `${name}: ${String(value)}\r\n`)
      .join('')
  }
}

function signalOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  const closed = (): void => {
    if (!response.writableFinished) gone.abort()
  }
  if (response.closed) closed()
  else response.once('close', closed)
  return gone.signal
}

function check<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  throw new InvalidParameterError(
    `${what}: ${where === '' ? '' : `${where}: `}${issue?.message ?? 'wrong shape'}`,
  )
}

/** By its events: iterating over a stream costs more than the rest of a small request. */
function readText(body: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const take = (chunk: Buffer): void => {
      size += chunk.length
      chunks.push(chunk)
      if (size > MAX_BODY_BYTES) {
        const most = String(MAX_BODY_BYTES >> 20)
        // what is still to come is passed over, as of any request whose handler leaves it unread
        body.off('data', take)
        reject(new InvalidParameterError(`the request's body is longer than ${most} MiB`))
      }
    }
    body.on('data', take)
    body.once('end', () => resolve(Buffer.concat(chunks).toString()))
    body.once('error', reject)
    const closed = (): void => {
      if (!body.readableEnded) reject(new InvalidParameterError('the request was cut short'))
    }
    // who left while it was being found out who they are says so no more
    if (body.closed) closed()
    else body.once('close', closed)
  })
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
