import http from 'node:http'
import https from 'node:https'
import { EngineError, UnavailableError } from '../errors.ts'

export interface HttpRequest {
  method?: 'GET' | 'HEAD' | 'POST'
  headers?: Record<string, string>
  body?: string
  signal?: AbortSignal | undefined
  /** Accept any certificate. */
  insecure?: boolean
}

/** No byte for so long: the connection is given up. */
const IDLE_MS = 45_000
const MAX_REDIRECTS = 10

const agents = {
  http: new http.Agent({ keepAlive: true, maxSockets: 16 }),
  https: new https.Agent({ keepAlive: true, maxSockets: 16 }),
  insecure: new https.Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false }),
}

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
    if (!isRedirect || options.method === 'POST') return response
    response.resume()
    if (redirects >= MAX_REDIRECTS)
      throw new EngineError('SYSTEM', `${url.host} redirects in circles`)
    const next = new URL(answered.location ?? '', at)
    if (at.protocol === 'https:' && next.protocol !== 'https:' && !options.insecure) {
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
  const isHttps = url.protocol === 'https:'
  const agent = isHttps ? (options.insecure ? agents.insecure : agents.https) : agents.http
  return new Promise((resolve, reject) => {
    const outgoing = (isHttps ? https : http).request(url, {
      method: options.method ?? 'GET',
      agent,
      headers: {
        'user-agent': 'gantry',
        // layers are digested as they are stored
        'accept-encoding': 'identity',
        ...options.headers,
      },
      ...(options.signal ? { signal: options.signal } : {}),
      timeout: IDLE_MS,
    })
    outgoing.on('timeout', () =>
      outgoing.destroy(new Error(`no answer for ${IDLE_MS / 1000} seconds`)),
    )
    outgoing.on('response', resolve)
    outgoing.on('error', (cause) => {
      if (options.signal?.aborted) reject(options.signal.reason as Error)
      else
        reject(
          new UnavailableError(`cannot reach ${url.protocol}//${url.host}: ${describe(cause)}`, {
            cause,
          }),
        )
    })
    outgoing.end(options.body)
  })
}

function describe(error: Error): string {
  // several addresses were tried, and the error of each is inside
  if (error instanceof AggregateError && error.errors[0] instanceof Error)
    return error.errors[0].message
  return error.message || ((error as NodeJS.ErrnoException).code ?? 'connection failed')
}
