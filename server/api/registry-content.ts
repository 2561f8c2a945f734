import { z } from 'zod'
import type { ImageSearchResult } from '../../engine/contract.ts'
import { InvalidParameterError } from '../../engine/errors.ts'
import type { Identity } from '../auth/identify.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { DOCKER_HUB, registryHost } from '../registries/address.ts'
import { openShelf, OWN, type Shelf } from '../registries/shelf.ts'
import { forSession } from './handler.ts'
import { type HostRoute, hostOf } from './registries.ts'

const SEARCH_LIMIT = 50

const schema = z.object({
  after: z.string().max(2000).optional(),
  repository: z.string().max(255).default(''),
  /** A tag or a digest. */
  reference: z.string().max(200).default(''),
  term: z.string().trim().max(200).default(''),
})

/** GET /api/registries/{host}/catalog?after: `own` is the registry of this engine. */
export const getCatalog = forSession(async (identity, request: Request, route: HostRoute) =>
  (await shelfFor(identity, request, route)).catalog(queryOf(request).after),
)

/** GET /api/registries/{host}/tags?repository: all of them. */
export const getTags = forSession(async (identity, request: Request, route: HostRoute) =>
  (await shelfFor(identity, request, route)).tags(queryOf(request).repository),
)

/** GET /api/registries/{host}/image?repository&reference */
export const getRegistryImage = forSession(async (identity, request: Request, route: HostRoute) => {
  const { reference, repository } = queryOf(request)
  return (await shelfFor(identity, request, route)).describe(repository, reference)
})

/** DELETE the same: by tag the tag alone, by digest with every tag that names it. */
export const deleteRegistryImage = forSession(
  async (identity, request: Request, route: HostRoute) => {
    const { reference, repository } = queryOf(request)
    await (await shelfFor(identity, request, route)).remove(repository, reference)
  },
)

/** GET /api/registries/{host}/search?term: by words, where the registry offers that; Docker Hub does. */
export const searchRegistry = forSession(
  async ({ user }, request: Request, route: HostRoute): Promise<ImageSearchResult[]> => {
    const host = registryHost(await hostOf(route))
    const { engine, registries } = context()
    const auth = await registries.credentialsOf(host)
    const { term } = queryOf(request)
    return await engineOf(engine, user).images.search(
      host === DOCKER_HUB ? term : `${host}/${term}`,
      { limit: SEARCH_LIMIT, ...(auth ? { auth } : {}) },
      request.signal,
    )
  },
)

async function shelfFor({ user }: Identity, request: Request, route: HostRoute): Promise<Shelf> {
  const { engine, registries } = context()
  const named = await hostOf(route)
  const host = named === OWN ? OWN : registryHost(named)
  return await openShelf(host, engineOf(engine, user), registries, request.signal)
}

/** @throws INVALID_PARAMETER */
function queryOf(request: Request): z.infer<typeof schema> {
  const parsed = schema.safeParse(Object.fromEntries(new URL(request.url).searchParams))
  if (parsed.success) return parsed.data
  throw new InvalidParameterError(parsed.error.issues[0]?.message ?? 'invalid query')
}
