import http from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  ConflictError,
  EngineError,
  errorMessage,
  ForbiddenError,
  InvalidParameterError,
  NotFoundError,
  NotImplementedError,
  NotModifiedError,
  UnauthorizedError,
  UnavailableError,
} from '../errors.ts'
import { jsonLines } from './json-lines.ts'

/** The newest API version spoken here. */
const NEWEST = '1.56'
const OLDEST = '1.24'

/** An answer that is no stream is kept in memory up to here. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

export type Query = Record<string, string | number | boolean | string[] | undefined>

export interface RequestOptions {
  query?: Query | undefined
  /** A value sent as JSON, or a stream sent as it is. */
  body?: unknown
  headers?: Record<string, string> | undefined
  signal?: AbortSignal | undefined
}

type Target = { socketPath: string } | { host: string; port: number }

/**
 * One Docker API endpoint: requests over kept-alive connections, answers' status turned into EngineErrors.
 *
 * Answers are trusted to have the shape that the API description gives them; only their JSON is checked.
 */
export class Transport {
  readonly url: string
  /** Agreed with the endpoint: the lower of its newest version and ours. */
  apiVersion = NEWEST
  readonly #target: Target
  readonly #agent = new http.Agent({ keepAlive: true, maxFreeSockets: 16 })

  /** @throws INVALID_PARAMETER when the URL is neither unix:// nor http:// (or its alias tcp://) */
  constructor(url: string) {
    this.url = url
    this.#target = parseTarget(url)
  }

  /**
   * Asks the endpoint for its version and settles on the one to speak.
   *
   * @throws UNAVAILABLE when nobody answers or no version is common
   */
  async negotiate(): Promise<void> {
    const answer = await this.#send('GET', '/_ping', {})
    answer.resume()
    const offered = answer.headers['api-version']
    if (typeof offered !== 'string') {
      throw new UnavailableError(
        `${this.url} answers, but not as a Docker API endpoint (no Api-Version header)`,
      )
    }
    if (isOlder(offered, OLDEST)) {
      throw new UnavailableError(
        `${this.url} speaks API version ${offered}; at least ${OLDEST} is needed`,
      )
    }
    this.apiVersion = isOlder(offered, NEWEST) ? offered : NEWEST
  }

  speaks(version: string): boolean {
    return !isOlder(this.apiVersion, version)
  }

  /** The answer's head; its body must be read or destroyed. */
  async request(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<IncomingMessage> {
    return this.#send(method, `/v${this.apiVersion}${path}${queryString(options.query)}`, options)
  }

  async json<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
    const answer = await this.request(method, path, options)
    const text = await readText(answer)
    try {
      return JSON.parse(text) as T
    } catch (error) {
      throw new EngineError('SYSTEM', `${this.url} answered ${method} ${path} with broken JSON`, {
        cause: error,
      })
    }
  }

  async empty(method: string, path: string, options?: RequestOptions): Promise<void> {
    const answer = await this.request(method, path, options)
    await readText(answer)
  }

  /** A stream of JSON values, one a line; ends quietly when the signal fires or the caller stops. */
  async *lines<T>(method: string, path: string, options: RequestOptions = {}): AsyncGenerator<T> {
    const { signal } = options
    if (isAborted(signal)) return
    let answer: IncomingMessage | undefined
    try {
      answer = await this.request(method, path, options)
      for await (const value of jsonLines(answer)) yield value as T
    } catch (error) {
      if (isAborted(signal)) return
      throw this.#unreachable(error)
    } finally {
      answer?.destroy()
    }
  }

  /** Takes the connection over after the request (101), for attach and exec. */
  async hijack(path: string, options: RequestOptions): Promise<Duplex> {
    const body = options.body === undefined ? undefined : JSON.stringify(options.body)
    return new Promise((resolve, reject) => {
      const request = http.request({
        ...this.#target,
        // A connection that will be taken over must not come from, or go back to, the pool.
        agent: false,
        method: 'POST',
        path: `/v${this.apiVersion}${path}${queryString(options.query)}`,
        headers: {
          Host: 'docker',
          Connection: 'Upgrade',
          Upgrade: 'tcp',
          'Content-Length': body === undefined ? 0 : Buffer.byteLength(body),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
      })
      request.on('upgrade', (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head)
        resolve(socket)
      })
      request.on('response', (answer) => {
        readError(answer, this.url).then(reject, reject)
      })
      request.on('error', (error) => {
        reject(this.#unreachable(error))
      })
      request.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  async #send(method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const { body, signal } = options
    const stream = body instanceof Readable ? body : undefined
    const text = stream === undefined && body !== undefined ? JSON.stringify(body) : undefined
    const headers: Record<string, string | number> = { Host: 'docker', ...options.headers }
    if (text !== undefined) {
      headers['Content-Type'] = 'application/json'
      headers['Content-Length'] = Buffer.byteLength(text)
    } else if (stream === undefined && method !== 'GET') {
      headers['Content-Length'] = 0
    }
    for (let attempt = 1; ; attempt++) {
      const request = http.request({ ...this.#target, agent: this.#agent, method, path, headers })
      try {
        const answer = await this.#exchange(request, text, stream, signal)
        const status = answer.statusCode ?? 0
        if (status >= 200 && status < 300) return answer
        throw await readError(answer, this.url)
      } catch (error) {
        // A kept-alive connection may have been closed by the other side just as it was reused; asking again is safe
        // for what only reads.
        if (
          attempt === 1 &&
          method === 'GET' &&
          request.reusedSocket &&
          isReset(error) &&
          signal?.aborted !== true
        ) {
          continue
        }
        throw this.#unreachable(error)
      }
    }
  }

  async #exchange(
    request: http.ClientRequest,
    text: string | undefined,
    stream: Readable | undefined,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        request.destroy(new Error('aborted'))
      }
      if (signal?.aborted === true) abort()
      signal?.addEventListener('abort', abort, { once: true })
      request.on('close', () => signal?.removeEventListener('abort', abort))
      request.on('response', resolve)
      request.on('error', (error) => {
        stream?.destroy()
        reject(error)
      })
      if (stream === undefined) {
        request.end(text)
      } else {
        // An early refusal closes the request while the upload still runs; what the answer says counts then.
        pipeline(stream, request).catch((error: unknown) => {
          request.destroy(error instanceof Error ? error : undefined)
        })
      }
    })
  }

  #unreachable(error: unknown): Error {
    if (error instanceof EngineError) return error
    const code = (error as NodeJS.ErrnoException | null)?.code
    if (
      code === 'ECONNREFUSED' ||
      code === 'ENOENT' ||
      code === 'EACCES' ||
      code === 'EHOSTUNREACH'
    ) {
      return new UnavailableError(`Cannot connect to the Docker API at ${this.url}: ${code}`, {
        cause: error,
      })
    }
    return new UnavailableError(`The connection to ${this.url} failed: ${errorMessage(error)}`, {
      cause: error,
    })
  }
}

function parseTarget(url: string): Target {
  if (url.startsWith('unix://')) {
    const socketPath = url.slice('unix://'.length)
    if (!socketPath.startsWith('/')) {
      throw new InvalidParameterError(`remote engine ${url}: the socket's path must be absolute`)
    }
    return { socketPath }
  }
  const match = /^(?:http|tcp):\/\/(\[[0-9a-fA-F:.]+\]|[^/:[\]\s]+)(?::(\d{1,5}))?\/?$/.exec(url)
  if (match?.[1] === undefined) {
    throw new InvalidParameterError(
      `remote engine ${url}: expected unix:///path or http://host[:port]`,
    )
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 2375) }
}

function queryString(query: Query | undefined): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined) continue
    if (Array.isArray(value)) for (const one of value) search.append(name, one)
    else search.set(name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value))
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES)
      throw new EngineError('SYSTEM', 'the answer of the remote engine is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** The EngineError that an answer with an error status stands for. */
async function readError(answer: IncomingMessage, url: string): Promise<EngineError> {
  const status = answer.statusCode ?? 0
  const text = await readText(answer)
  let message = text.trim()
  try {
    const parsed = JSON.parse(text) as { message?: unknown } | null
    if (typeof parsed?.message === 'string') message = parsed.message
  } catch {
    // Not JSON: a proxy's page or plain words; the text itself is the message.
  }
  if (message === '') message = `${url} answered with status ${status}`
  switch (status) {
    case 304:
      return new NotModifiedError(message)
    case 400:
      return new InvalidParameterError(message)
    case 401:
      return new UnauthorizedError(message)
    case 403:
      return new ForbiddenError(message)
    case 404:
      return new NotFoundError(message)
    case 409:
      return new ConflictError(message)
    case 501:
      return new NotImplementedError(message)
    case 503:
      return new UnavailableError(message)
    default:
      return new EngineError('SYSTEM', message)
  }
}

/** A function, because the compiler takes a property read once for settled. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false
}

function isReset(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return code === 'ECONNRESET' || code === 'EPIPE'
}

/** Compares `major.minor` by number. */
function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number)
  return major === thanMajor ? minor < thanMinor : major < thanMajor
}
