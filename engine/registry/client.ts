import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { RegistryCredentials } from '../contract/common.ts'
import { ConflictError, EngineError } from '../errors.ts'
import { algorithmOf, digestOf, isDigest } from '../oci/digest.ts'
import type { Digest } from '../oci/digest.ts'
import { checked, MAX_DOCUMENT_BYTES, parseJson } from '../oci/manifest.ts'
import { ACCEPT_MANIFESTS } from '../oci/media-types.ts'
import { Authorizer } from './auth.ts'
import type { Endpoint } from './endpoints.ts'
import { readBody, request } from './http.ts'
import type { HttpMethod, HttpRequest } from './http.ts'
import { refusal } from './refusal.ts'

export interface FetchedManifest {
  content: Buffer
  mediaType: string
  digest: Digest
}

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() })
const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() })

/** Of a list of tags; more is a registry that goes in circles. */
const MAX_PAGES = 1000

/**
 * One repository at one endpoint.
 *
 * @see distribution-spec, "Pull" and "Push"
 */
export class RegistryClient {
  readonly endpoint: Endpoint
  readonly #path: string
  readonly #authorizer: Authorizer

  /**
   * `access` is what is asked for beyond reading: to push or delete, and to read neighbours for mounts out of them.
   *
   * @param endpoint where it is
   * @param path the repository; '' for what is asked of the registry as a whole
   */
  constructor(
    endpoint: Endpoint,
    path: string,
    credentials: RegistryCredentials,
    access: { push?: boolean; remove?: boolean; neighbours?: string[] } = {},
  ) {
    const { push = false, remove = false, neighbours = [] } = access
    this.endpoint = endpoint
    this.#path = path
    const actions = ['pull', ...(push ? ['push'] : []), ...(remove ? ['delete'] : [])].join(',')
    const scope = [
      path === '' ? 'registry:catalog:*' : `repository:${path}:${actions}`,
      ...neighbours.map((neighbour) => `repository:${neighbour}:pull`),
    ].join(' ')
    // the challenge to the first request, which only reads, would name reading alone
    this.#authorizer = new Authorizer(credentials, scope, endpoint, { fixedScope: push || remove })
  }

  /**
   * A manifest or index by tag or digest.
   *
   * @throws NOT_FOUND, UNAUTHORIZED, UNAVAILABLE (rate limit) or SYSTEM with the registry's words
   */
  async manifest(reference: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const response = await this.send('GET', `manifests/${reference}`, {
      headers: { accept: ACCEPT_MANIFESTS },
      signal,
    })
    if (response.statusCode !== 200) throw await refusal(response)
    const content = await readBody(response, MAX_DOCUMENT_BYTES)
    const told = response.headers['docker-content-digest']
    const expected = [reference, told].find((each) => typeof each === 'string' && isDigest(each))
    const digest = digestOf(content, algorithmOf(expected ?? ''))
    if (expected !== undefined && expected !== digest) {
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
    const response = await this.send('GET', `blobs/${digest}`, { headers, signal })
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

  /**
   * Every tag of the repository, in the registry's order.
   *
   * @throws as manifest()
   * @see distribution-spec, "Listing Tags"
   */
  async tags(signal?: AbortSignal): Promise<string[]> {
    const tags: string[] = []
    let page: string | URL = 'tags/list?n=1000'
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const response: IncomingMessage = await this.send('GET', page, { signal })
      if (response.statusCode !== 200) throw await refusal(response)
      const content = await readBody(response, MAX_DOCUMENT_BYTES)
      const list = checked(tagsSchema, parseJson(content, 'list of tags'), 'list of tags')
      tags.push(...(list.tags ?? []))
      const next = nextOf(response)
      if (next === undefined) break
      page = new URL(next, this.endpoint.url)
    }
    return tags
  }

  /**
   * A page of the registry's repositories.
   *
   * @param query of the page: `n` and what the registry's own link to it held
   * @returns `next`: the query of the page after it
   * @throws as manifest()
   * @see distribution, "Listing Repositories"
   */
  async catalog(
    query: URLSearchParams,
    signal?: AbortSignal,
  ): Promise<{ names: string[]; next?: string }> {
    const url = new URL(`/v2/_catalog?${query.toString()}`, this.endpoint.url)
    const response = await this.send('GET', url, { signal })
    if (response.statusCode !== 200) throw await refusal(response)
    const content = await readBody(response, MAX_DOCUMENT_BYTES)
    const list = checked(catalogSchema, parseJson(content, 'catalogue'), 'catalogue')
    const link = nextOf(response)
    const next = link === undefined ? '' : new URL(link, url).search.slice(1)
    return { names: list.repositories ?? [], ...(next === '' ? {} : { next }) }
  }

  /** By digest with all its tags, by tag the tag alone. @throws as manifest(). @see distribution-spec, "Content Management" */
  async deleteManifest(reference: string, signal?: AbortSignal): Promise<void> {
    const response = await this.send('DELETE', `manifests/${reference}`, { signal })
    const { statusCode = 0 } = response
    if (statusCode < 200 || statusCode > 299) throw await refusal(response)
    response.resume()
  }

  /**
   * Whether the registry speaks this protocol and lets us in, before anything is sent.
   *
   * @throws as manifest()
   */
  async ping(signal?: AbortSignal): Promise<void> {
    const response = await this.send('GET', new URL('/v2/', this.endpoint.url), { signal })
    // some answer 401 to this and give tokens for repositories only
    if (response.statusCode !== 200 && response.statusCode !== 401) throw await refusal(response)
    response.resume()
  }

  /** @throws as manifest() */
  async hasBlob(digest: string, signal?: AbortSignal): Promise<boolean> {
    const response = await this.send('HEAD', `blobs/${digest}`, { signal })
    if (response.statusCode !== 200 && response.statusCode !== 404) throw await refusal(response)
    response.resume()
    return response.statusCode === 200
  }

  /**
   * Puts a manifest in under a tag; the blobs that it names must be there.
   *
   * @throws as manifest(), and when the registry says that it has stored another one
   */
  async putManifest(
    tag: string,
    content: Buffer,
    { digest, mediaType }: { digest: string; mediaType: string },
    signal?: AbortSignal,
  ): Promise<void> {
    const response = await this.send('PUT', `manifests/${tag}`, {
      headers: { 'content-type': mediaType, 'content-length': String(content.length) },
      body: content,
      signal,
    })
    if (response.statusCode !== 201) throw await refusal(response)
    response.resume()
    const stored = response.headers['docker-content-digest']
    if (stored !== undefined && stored !== digest)
      throw new ConflictError(`the registry stored manifest ${digest} as ${String(stored)}`)
  }

  /**
   * Asks within this repository, or at an address that the registry gave. Who we are is told to the registry only.
   *
   * @returns the answer, whatever its status but 429; the caller reads, resumes or destroys it
   * @throws UNAVAILABLE with the registry's words when it is asked too much
   */
  async send(
    method: HttpMethod,
    target: string | URL,
    options: Omit<HttpRequest, 'method' | 'access'> = {},
  ): Promise<IncomingMessage> {
    const base = this.endpoint.url.href.replace(/\/$/, '')
    const url = typeof target === 'string' ? new URL(`${base}/v2/${this.#path}/${target}`) : target
    const isOwn = url.origin === this.endpoint.url.origin
    for (let tries = 0; ; tries++) {
      const authorization = isOwn ? await this.#authorizer.header(options.signal) : undefined
      const response = await request(url, {
        ...options,
        method,
        headers: { ...options.headers, ...(authorization === undefined ? {} : { authorization }) },
        access: this.endpoint,
      })
      if (response.statusCode === 429)
        throw await refusal(response, { isAnonymous: this.#authorizer.isAnonymous })
      if (response.statusCode !== 401 || tries > 0 || !isOwn) return response
      if (!(await this.#authorizer.answer(response.headers['www-authenticate'], options.signal)))
        return response
      response.resume()
    }
  }
}

/** The address of the next page of a list. @see RFC 8288 */
function nextOf({ headers }: IncomingMessage): string | undefined {
  return /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(String(headers['link'] ?? ''))?.[1]
}
