import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { ImageSearchOptions, ImageSearchResult } from '../contract/images.ts'
import type { Filters, RegistryCredentials } from '../contract/common.ts'
import { errorCode, InvalidParameterError, NotImplementedError } from '../errors.ts'
import { booleanFilter, checkFilters } from '../filters.ts'
import { checked, parseJson } from '../oci/manifest.ts'
import type { Registries } from './access.ts'
import { Authorizer } from './auth.ts'
import { endpointsOf } from './endpoints.ts'
import type { Endpoint } from './endpoints.ts'
import { readBody, request } from './http.ts'
import { refusal, refusalOf } from './refusal.ts'

const DEFAULT_LIMIT = 25
const MAX_LIMIT = 100

const answerSchema = z.object({
  results: z
    .array(
      z.object({
        name: z.string(),
        description: z.string().nullish(),
        star_count: z.number().nullish(),
        is_official: z.boolean().nullish(),
      }),
    )
    .nullish(),
})

/**
 * Searches Docker Hub, or the registry whose host the term begins with, by the search that registries had before they
 * spoke today's protocol, which has none.
 *
 * @throws INVALID_PARAMETER in Docker's words, NOT_IMPLEMENTED when the registry offers no search
 * @see GET /images/search
 */
export async function searchImages(
  registries: Registries,
  term: string,
  options: ImageSearchOptions = {},
  signal?: AbortSignal,
): Promise<ImageSearchResult[]> {
  const { filters = {}, limit = DEFAULT_LIMIT } = options
  const passes = filterOf(filters)
  if (limit < 1 || limit > MAX_LIMIT) {
    throw new InvalidParameterError(`limit ${limit} is outside the range of [1, ${MAX_LIMIT}]`)
  }
  if (term.includes('://')) {
    throw new InvalidParameterError(
      `invalid repository name: repository name (${term}) should not have a scheme`,
    )
  }
  const { endpoints, query } = await whereToSearch(term, { ...registries, mirrors: [] })
  let failure: unknown
  for (const endpoint of endpoints) {
    try {
      const results = await searchAt(endpoint, query, limit, options, signal)
      return results.filter(passes)
    } catch (error) {
      signal?.throwIfAborted()
      // https did not answer: a registry on this machine may speak http
      if (errorCode(error) !== 'UNAVAILABLE' || refusalOf(error)) throw error
      failure = error
    }
  }
  throw failure
}

/**
 * Who asks is said by name and password at once, since nobody asks for that, and by an identity token when it is asked for.
 *
 * @see distribution, "Token Authentication Specification", scope `registry:catalog:search`
 */
async function ask(
  url: URL,
  endpoint: Endpoint,
  auth: RegistryCredentials,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const { password = '', username } = auth
  const authorizer = new Authorizer(auth, 'registry:catalog:search', endpoint, { fixedScope: true })
  const basic =
    username && !auth.identitytoken
      ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
      : undefined
  for (let tries = 0; ; tries++) {
    const authorization = (await authorizer.header(signal)) ?? basic
    const response = await request(url, {
      headers: {
        accept: 'application/json',
        ...(authorization === undefined ? {} : { authorization }),
      },
      signal,
      access: endpoint,
    })
    if (response.statusCode === 429)
      throw await refusal(response, { isAnonymous: authorizer.isAnonymous })
    const canAnswer =
      response.statusCode === 401 &&
      tries === 0 &&
      (await authorizer.answer(response.headers['www-authenticate'], signal))
    if (!canAnswer) return response
    response.resume()
  }
}

async function searchAt(
  endpoint: Endpoint,
  query: string,
  limit: number,
  { auth }: ImageSearchOptions,
  signal: AbortSignal | undefined,
): Promise<ImageSearchResult[]> {
  const url = new URL('/v1/search', endpoint.url)
  url.searchParams.set('q', query)
  url.searchParams.set('n', String(limit))
  const response = await ask(url, endpoint, auth ?? {}, signal)
  if (response.statusCode === 404) {
    response.resume()
    throw new NotImplementedError(
      `${url.host} offers no search: it answers 404 to GET /v1/search; ask for a repository by its name`,
    )
  }
  if (response.statusCode !== 200) throw await refusal(response)
  const content = await readBody(response, 4 << 20)
  const { results } = checked(answerSchema, parseJson(content, 'search answer'), 'search answer')
  return (results ?? []).slice(0, limit).map((result) => ({
    name: result.name,
    description: result.description ?? '',
    star_count: result.star_count ?? 0,
    is_official: result.is_official ?? false,
    is_automated: false,
  }))
}

async function whereToSearch(
  term: string,
  registries: Registries,
): Promise<{ endpoints: Endpoint[]; query: string }> {
  const slash = term.indexOf('/')
  const first = slash < 0 ? '' : term.slice(0, slash)
  const isHost = /[.:]/.test(first) || first === 'localhost'
  if (isHost && first !== 'docker.io' && first !== 'index.docker.io')
    return { endpoints: await endpointsOf(first, registries), query: term.slice(slash + 1) }
  const query = (isHost ? term.slice(slash + 1) : term).replace(/^library\//, '')
  const [hub] = await endpointsOf('docker.io', registries)
  return { endpoints: hub ? [{ ...hub, url: new URL('https://index.docker.io') }] : [], query }
}

function filterOf(filters: Filters): (result: ImageSearchResult) => boolean {
  checkFilters(filters, ['is-automated', 'is-official', 'stars'])
  const isAutomated = booleanFilter(filters, 'is-automated')
  const isOfficial = booleanFilter(filters, 'is-official')
  const stars = (filters['stars'] ?? []).map((text) => {
    if (!/^\d{1,15}$/.test(text))
      throw new InvalidParameterError(`invalid filter 'stars=[${text}]'`)
    return Number(text)
  })
  return (result) =>
    // nothing is automated any more: Docker has it as false for all
    isAutomated !== true &&
    (isOfficial === undefined || result.is_official === isOfficial) &&
    stars.every((least) => result.star_count >= least)
}
