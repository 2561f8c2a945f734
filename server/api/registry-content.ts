import { z } from 'zod'
import type { ImageSearchResult } from '../../engine/contract/images.ts'
import { ForbiddenError, InvalidParameterError } from '../../engine/errors.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { codeOf, errorMessage } from '../errors.ts'
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

type Query = z.infer<typeof schema>

/** GET /api/registries/{host}/catalog?after: `own` is the registry of this engine. */
export const getCatalog = onShelf((shelf, { after }) => shelf.catalog(after))

/** GET /api/registries/{host}/tags?repository: all of them. */
export const getTags = onShelf((shelf, { repository }) => shelf.tags(repository))

/** GET /api/registries/{host}/image?repository&reference */
export const getRegistryImage = onShelf((shelf, { reference, repository }) =>
  shelf.describe(repository, reference),
)

/** DELETE the same: by tag, or by digest with every tag that names it. */
export const deleteRegistryImage = onShelf(async (shelf, { reference, repository }) => {
  await shelf.remove(repository, reference)
})

/** GET /api/registries/{host}/search?term: by words, where the registry offers that; Docker Hub does. */
export const searchRegistry = forSession(
  async ({ user }, request: Request, route: HostRoute): Promise<ImageSearchResult[]> => {
    const host = registryHost(await hostOf(route))
    const { engine, registries } = context()
    const auth = await registries.credentialsOf(host)
    const { term } = queryOf(request)
    const options = { limit: SEARCH_LIMIT, ...(auth ? { auth } : {}) }
    return await inItsWords(host, () =>
      engineOf(engine, user).images.search(
        host === DOCKER_HUB ? term : `${host}/${term}`,
        options,
        request.signal,
      ),
    )
  },
)

function onShelf(
  work: (shelf: Shelf, query: Query) => Promise<unknown>,
): (request: Request, route: HostRoute) => Promise<Response> {
  return forSession(async ({ user }, request: Request, route: HostRoute) => {
    const query = queryOf(request)
    const { engine, registries } = context()
    const named = await hostOf(route)
    const host = named === OWN ? OWN : registryHost(named)
    const shelf = await openShelf(host, engineOf(engine, user), registries, request.signal)
    return await inItsWords(host, () => work(shelf, query))
  })
}

/** To a browser 401 means that its own session is over: that a registry refuses us is another thing. */
async function inItsWords<T>(host: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (codeOf(cause) !== 'UNAUTHORIZED') throw cause
    throw new ForbiddenError(
      `${host} refuses: ${errorMessage(cause)}. Look at what it is signed in to with, under Registries.`,
      { cause },
    )
  }
}

/** @throws INVALID_PARAMETER */
function queryOf(request: Request): Query {
  const parsed = schema.safeParse(Object.fromEntries(new URL(request.url).searchParams))
  if (parsed.success) return parsed.data
  throw new InvalidParameterError(parsed.error.issues[0]?.message ?? 'invalid query')
}
