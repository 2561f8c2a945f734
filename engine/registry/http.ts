import type http from 'node:http'
import type { Readable } from 'node:stream'
import { routeOf } from './agents.ts'
import type { Access } from './access.ts'
import { withoutSecrets } from './without-secrets.ts'
import { EngineError, UnavailableError } from '../errors.ts'
import { proxyRefusal } from './proxy.ts'

export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

export interface HttpRequest {
  method?: HttpMethod
  headers?: Record<string, string>
  /** A stream is opened when it is sent; `content-length` among the headers says how long it is. */
  body?: string | Buffer | (() => Readable)
  /** No byte either way for so long: the connection is given up. */
  idleMs?: number
  signal?: AbortSignal | undefined
  /** Straight and verified when not said. */
  access?: Access
}

const IDLE_MS = 45_000
const MAX_REDIRECTS = 10
const MAX_REDIRECT_BYTES = 1 << 16

/**
 * Asks a server and follows redirects. Credentials are not carried to another host, and never from https to http.
 *
 * @returns the answer, whatever its status; the caller reads or destroys it
 * @throws UNAVAILABLE when the server cannot be reached, naming it; the signal's reason when it fired
 */
export async function request(url: URL, options: HttpRequest = {}): Promise<http.IncomingMessage> {
  let at = url
  let headers = { ...options.headers }
  for (let redirects = 0; ; redirects++) {
    const response = await requestOnce(at, { ...options, headers })
    const { statusCode = 0, headers: answered } = response
    const isRedirect =
      [301, 302, 303, 307, 308].includes(statusCode) && answered.location !== undefined
    if (!isRedirect || !['GET', 'HEAD'].includes(options.method ?? 'GET')) return response
    // so that the connection can be used again, unless there is no end to it
    readBody(response, MAX_REDIRECT_BYTES).catch(() => undefined)
    if (redirects >= MAX_REDIRECTS)
      throw new EngineError('SYSTEM', `${url.host} redirects in circles`)
    const next = URL.canParse(answered.location ?? '', at.href)
      ? new URL(answered.location ?? '', at)
      : undefined
    if (!next || !/^https?:$/.test(next.protocol))
      throw new EngineError(
        'SYSTEM',
        `${at.host} redirects to no address by http or https: ${withoutSecrets(answered.location ?? '')}`,
      )
    if (at.protocol === 'https:' && next.protocol !== 'https:' && !options.access?.insecure) {
      throw new EngineError(
        'SYSTEM',
        `${at.host} redirects from https to ${next.protocol}//${next.host}: refused`,
      )
    }
    if (next.origin !== at.origin) {
      const { authorization: _, ...others } = headers
      headers = others
    }
    at = next
  }
}

/**
 * The whole body.
 *
 * @throws SYSTEM when it is longer than allowed or cut short
 */
export async function readBody(response: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += (chunk as Buffer).length
    if (length > maxBytes) {
      response.destroy()
      throw new EngineError('SYSTEM', `the server sent more than ${maxBytes} bytes`)
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function requestOnce(url: URL, options: HttpRequest): Promise<http.IncomingMessage> {
  options.signal?.throwIfAborted()
  const route = routeOf(url, options.access ?? { insecure: false })
  const { agent, headers, maker, proxy, target } = route
  const idleMs = options.idleMs ?? IDLE_MS
  return new Promise((resolve, reject) => {
    const outgoing = maker.request({
      ...target,
      method: options.method ?? 'GET',
      agent,
      headers: {
        'user-agent': 'gantry',
        // layers are digested as they are stored
        'accept-encoding': 'identity',
        ...options.headers,
        ...headers,
      },
      ...(options.signal ? { signal: options.signal, caller: options.signal } : {}),
      timeout: idleMs,
    })
    outgoing.on('timeout', () =>
      outgoing.destroy(new Error(`no answer for ${idleMs / 1000} seconds`)),
    )
    const fail = (cause: Error): void =>
      reject(
        new UnavailableError(`cannot reach ${url.protocol}//${url.host}: ${describe(cause)}`, {
          cause,
        }),
      )
    outgoing.on('response', (response) => {
      if (proxy && response.statusCode === 407) {
        response.destroy()
        fail(new Error(proxyRefusal(proxy)))
      } else resolve(response)
    })
    // a request that waits for a proxy has no socket yet, and would tell of its end only when it gets one
    const abort = (): void => reject(options.signal?.reason as Error)
    options.signal?.addEventListener('abort', abort, { once: true })
    outgoing.on('close', () => options.signal?.removeEventListener('abort', abort))
    outgoing.on('error', (error) => {
      if (options.signal?.aborted) reject(options.signal.reason as Error)
      // what its certificate lacks, say, is not the registry's lack
      else if (proxy) fail(new Error(`proxy ${proxy.host}: ${describe(error)}`, { cause: error }))
      else fail(error)
    })
    if (typeof options.body === 'function') sendStream(options.body(), outgoing)
    else outgoing.end(options.body)
  })
}

/** An answer may come before all was sent, a refusal mostly: the rest stays unsent, and the connection is not used again. */
function sendStream(body: Readable, outgoing: http.ClientRequest): void {
  outgoing.on('close', () => body.destroy())
  outgoing.on('response', (response) => {
    if (body.readableEnded) return
    body.unpipe(outgoing)
    response.on('close', () => outgoing.destroy())
  })
  body.on('error', (error) => outgoing.destroy(error))
  body.pipe(outgoing)
}

function describe(error: Error): string {
  // several addresses were tried, and the error of each is inside
  if (error instanceof AggregateError && error.errors[0] instanceof Error)
    return error.errors[0].message
  return error.message || ((error as NodeJS.ErrnoException).code ?? 'connection failed')
}
