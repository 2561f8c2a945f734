import type { IncomingMessage } from 'node:http'
import type { RegistryCredentials } from '../contract.ts'
import { EngineError, NotFoundError, UnauthorizedError, UnavailableError } from '../errors.ts'
import { digestOf, isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { MAX_DOCUMENT_BYTES } from '../oci/manifest.ts'
import { ACCEPT_MANIFESTS } from '../oci/media-types.ts'
import { Authorizer } from './auth.ts'
import type { Endpoint } from './endpoints.ts'
import { readBody, request } from './http.ts'

export interface FetchedManifest {
  content: Buffer
  mediaType: string
  digest: Digest
}

/** An answer of the registry that is an error, in the registry's words. */
export interface RegistryRefusal {
  status: number
  /** `MANIFEST_UNKNOWN` and so on; empty when it gave none. */
  code: string
  message: string
}

/**
 * One repository at one endpoint.
 *
 * @see distribution-spec, "Pull"
 */
export class RegistryClient {
  readonly endpoint: Endpoint
  readonly #path: string
  readonly #authorizer: Authorizer

  constructor(endpoint: Endpoint, path: string, credentials: RegistryCredentials) {
    this.endpoint = endpoint
    this.#path = path
    this.#authorizer = new Authorizer(credentials, `repository:${path}:pull`, endpoint.insecure)
  }

  /**
   * A manifest or index by tag or digest.
   *
   * @throws NOT_FOUND, UNAUTHORIZED, UNAVAILABLE (rate limit) or SYSTEM with the registry's words
   */
  async manifest(reference: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const response = await this.#get(`manifests/${reference}`, { accept: ACCEPT_MANIFESTS }, signal)
    if (response.statusCode !== 200) throw await refusal(response)
    const content = await readBody(response, MAX_DOCUMENT_BYTES)
    const digest = digestOf(content)
    const told = response.headers['docker-content-digest']
    const expected = isDigest(reference) ? reference : told
    if (typeof expected === 'string' && isDigest(expected) && expected !== digest) {
      throw new EngineError('SYSTEM', `manifest verification failed for digest ${expected}`)
    }
    const mediaType = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
    return { content, mediaType, digest }
  }

  /**
   * A blob's bytes from an offset on.
   *
   * @returns `offset` is where the answer really starts: 0 when the registry does not do ranges
   * @throws as manifest()
   */
  async blob(
    digest: string,
    offset: number,
    signal?: AbortSignal,
  ): Promise<{ body: IncomingMessage; offset: number }> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {}
    const response = await this.#get(`blobs/${digest}`, headers, signal)
    if (response.statusCode === 200) return { body: response, offset: 0 }
    if (response.statusCode === 206) {
      const start = Number(
        /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1] ?? NaN,
      )
      if (start === offset) return { body: response, offset }
      response.destroy()
      throw new EngineError(
        'SYSTEM',
        `${this.endpoint.url.host} sent another range than it was asked for`,
      )
    }
    throw await refusal(response)
  }

  async #get(
    path: string,
    headers: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const base = this.endpoint.url.href.replace(/\/$/, '')
    const url = new URL(`${base}/v2/${this.#path}/${path}`)
    for (let tries = 0; ; tries++) {
      const authorization = await this.#authorizer.header(signal)
      const response = await request(url, {
        headers: authorization === undefined ? headers : { ...headers, authorization },
        signal,
        insecure: this.endpoint.insecure,
      })
      if (response.statusCode !== 401 || tries > 0) return response
      if (!(await this.#authorizer.answer(response.headers['www-authenticate'], signal)))
        return response
      response.resume()
    }
  }
}

/** True when asking again may help. */
export function isTransient(error: unknown): boolean {
  const status = (error as { registry?: RegistryRefusal }).registry?.status
  if (status !== undefined) return status >= 500 || status === 408
  return error instanceof EngineError ? ['SYSTEM', 'UNAVAILABLE'].includes(error.code) : true
}

/** What the registry answered, of an error that one of the calls above threw. */
export function refusalOf(error: unknown): RegistryRefusal | undefined {
  return (error as { registry?: RegistryRefusal } | null)?.registry
}

/** A registry's refusal as an error, in its words. */
export async function refusal(response: IncomingMessage): Promise<EngineError> {
  const { statusCode: status = 0 } = response
  const body = await readBody(response, 1 << 20).catch(() => Buffer.alloc(0))
  const { code, message } = parseErrors(body)
  const words =
    [code.toLowerCase().replaceAll('_', ' '), message].filter(Boolean).join(': ') ||
    `status ${status}`
  const error = errorFor(status, words)
  return Object.assign(error, { registry: { status, code, message } satisfies RegistryRefusal })
}

function errorFor(status: number, words: string): EngineError {
  switch (status) {
    case 401:
    case 403:
      return new UnauthorizedError(words)
    case 404:
      return new NotFoundError(words)
    case 429:
      return new UnavailableError(
        words.startsWith('toomanyrequests') ? words : `toomanyrequests: ${words}`,
      )
    default:
      return new EngineError('SYSTEM', `the registry answered ${status}: ${words}`)
  }
}

/** @see distribution-spec, "Error Codes" */
function parseErrors(body: Buffer): { code: string; message: string } {
  try {
    const { errors } = JSON.parse(body.toString('utf8')) as {
      errors?: { code?: unknown; message?: unknown }[]
    }
    const [first] = errors ?? []
    const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1000) : '')
    return { code: text(first?.code), message: text(first?.message) }
  } catch {
    // a proxy's page, say; its status has to do
    return { code: '', message: '' }
  }
}
