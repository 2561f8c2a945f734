import type { ImageEngine } from '../contract/images.ts'
import type { ImageProgress, RegistryCredentials } from '../contract/common.ts'
import { errorMessage, InvalidParameterError } from '../errors.ts'
import type { Call } from './call.ts'
import { begun } from './containers.ts'
import { authConfig } from './object-bodies.ts'
import { checkPlatform, parsePlatformText, platformText, platformValue } from './platform.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { imageFor, imagesFor } from './versions/image-answers.ts'
import { filters, flag, integer, maybeFlag, unread, unsupported, word } from './values.ts'

/** So taking away one of several is nothing that can be done. */
const ONE_PLATFORM = 'the images of an index are kept all together or not at all'

/** As Docker has it: told of what has a record of its making. */
const NO_IDENTITY = 'no record of where an image was built is kept'

export function imageRoutes(images: ImageEngine): Route[] {
  return [
    route({
      method: 'GET',
      path: '/images/json',
      query: {
        all: flag,
        filters,
        /** How clients below 1.41 name a repository. */
        filter: word,
        'shared-size': flag,
        digests: flag,
        manifests: flag,
        identity: unread(NO_IDENTITY),
      },
      handle: async (call, query) => {
        const wanted =
          query.filter === undefined || call.speaks('1.41')
            ? query.filters
            : { ...query.filters, reference: [query.filter] }
        const list = await images.list({
          all: query.all,
          sharedSize: call.speaks('1.42') && query['shared-size'],
          manifests: call.speaks('1.47') && query.manifests,
          filters: wanted,
        })
        call.send(200, imagesFor(call, list))
      },
    }),
    route({
      method: 'POST',
      path: '/images/create',
      query: createQuery,
      handle: (call, query) => create(images, call, query),
    }),
    route({
      method: 'POST',
      path: '/images/load',
      query: { quiet: maybeFlag, platform: word },
      handle: async (call, { quiet }) => {
        const [platform, ...others] = call.speaks('1.48') ? platformsIn(call) : []
        if (others.length > 0)
          throw new InvalidParameterError(
            'platform: images for several platforms are loaded one after the other, or as the whole index',
          )
        // without a word about it dockerd tells no progress
        const isQuiet = quiet ?? true
        await sendProgress(call, images.load(call.body, { platform }, call.signal), isQuiet)
      },
    }),
    route({
      method: 'GET',
      path: '/images/search',
      query: { term: word, limit: integer, filters },
      handle: async (call, { filters: wanted, limit, term = '' }) => {
        const auth = registryAuth(call.header('x-registry-auth'))
        // clients say 0 for what they do not say
        call.send(
          200,
          await images.search(
            term,
            { auth, limit: limit || undefined, filters: wanted },
            call.signal,
          ),
        )
      },
    }),
    route({
      method: 'GET',
      path: '/distribution/:name*/json',
      query: {},
      handle: async (call) => {
        const auth = registryAuth(call.header('x-registry-auth'))
        call.send(200, await images.distribution(call.param('name'), { auth }, call.signal))
      },
    }),
    route({
      method: 'GET',
      path: '/images/get',
      query: { names: word, platform: word },
      handle: (call) => save(images, call, call.queryAll('names')),
    }),
    route({
      method: 'GET',
      path: '/images/:name*/get',
      query: { platform: word },
      handle: (call) => save(images, call, [call.param('name')]),
    }),
    route({
      method: 'POST',
      path: '/images/prune',
      query: { filters },
      handle: async (call, query) => {
        call.send(200, await images.prune(query.filters))
      },
    }),
    route({
      method: 'GET',
      path: '/images/:name*/json',
      query: {
        manifests: flag,
        platform: platformValue,
      },
      handle: async (call, query) => {
        const manifests = call.speaks('1.48') && query.manifests === true
        const platform = call.speaks('1.49') ? query.platform : undefined
        if (manifests && platform !== undefined)
          throw new InvalidParameterError(
            'conflicting options: manifests and platform options are mutually exclusive',
          )
        const image = await images.inspect(call.param('name'), { manifests })
        if (platform !== undefined) checkPlatform(call.param('name'), image, platform)
        call.send(200, imageFor(call, image))
      },
    }),
    route({
      method: 'GET',
      path: '/images/:name*/history',
      query: { platform: platformValue },
      handle: async (call, { platform }) => {
        if (platform !== undefined && call.speaks('1.48'))
          checkPlatform(call.param('name'), await images.inspect(call.param('name')), platform)
        call.send(200, await images.history(call.param('name')))
      },
    }),
    route({
      method: 'POST',
      path: '/images/:name*/push',
      query: { tag: word, platform: platformValue },
      handle: async (call, { platform, tag }) => {
        const auth = registryAuth(call.header('x-registry-auth'))
        const wanted =
          platform !== undefined && call.speaks('1.46') ? platformText(platform) : undefined
        const reference = pushedReference(call.param('name'), tag)
        await sendProgress(call, images.push(reference, { auth, platform: wanted }, call.signal))
      },
    }),
    route({
      method: 'POST',
      path: '/images/:name*/tag',
      query: { repo: word, tag: word },
      handle: async (call, { repo, tag }) => {
        if (repo === undefined)
          throw new InvalidParameterError('repository name must have at least one component')
        await images.tag(call.param('name'), repo, tag)
        call.send(201)
      },
    }),
    route({
      method: 'DELETE',
      path: '/images/:name*',
      query: {
        force: flag,
        noprune: flag,
        platforms: unsupported('platforms', ONE_PLATFORM),
      },
      handle: async (call, { force, noprune }) => {
        const name = call.param('name')
        if (name.trim() === '') throw new InvalidParameterError('image name cannot be blank')
        call.send(200, await images.remove(name, { force, noprune }))
      },
    }),
  ]
}

async function save(images: ImageEngine, call: Call, names: string[]): Promise<void> {
  const platforms = call.speaks('1.48') ? platformsIn(call) : []
  const archive = await images.save(names, { platforms }, call.signal)
  await call.pipe(archive, 'application/x-tar')
}

/** Repeated, which the checked query does not show. */
function platformsIn(call: Call): string[] {
  return call.queryAll('platform').map(parsePlatformText)
}

const createQuery = {
  fromImage: word,
  fromSrc: word,
  repo: word,
  tag: word,
  message: word,
  platform: word,
  /** Repeated; read by `queryAll`. */
  changes: word,
}

/** Pull (`fromImage`) or import of a tar in the body (`fromSrc=-`) or from an address. */
async function create(
  images: ImageEngine,
  call: Call,
  query: Record<Exclude<keyof typeof createQuery, 'changes'>, string | undefined>,
): Promise<void> {
  const { platform } = query
  if (query.fromImage !== undefined) {
    const auth = registryAuth(call.header('x-registry-auth'))
    const reference = referenceOf(query.fromImage, query.tag)
    // neither a tag nor a digest behind the last slash
    const allTags = !/[:@][^/]*$/.test(reference)
    await sendProgress(call, images.pull(reference, { allTags, auth, platform }, call.signal))
    return
  }
  if (query.fromSrc === undefined)
    throw new InvalidParameterError('either fromImage or fromSrc is needed')
  await sendProgress(
    call,
    images.import(
      query.fromSrc === '-' ? call.body : { url: query.fromSrc },
      {
        reference: query.repo === undefined ? undefined : referenceOf(query.repo, query.tag),
        message: query.message,
        changes: call.queryAll('changes'),
        platform,
      },
      call.signal,
    ),
  )
}

/** Docker sends a name and a tag or digest apart, the name maybe with a tag of its own. */
function referenceOf(name: string, tag: string | undefined): string {
  if (tag === undefined) return name
  return tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`
}

/** A tag within the name counts for nothing, as the reference has it: without `tag` all tags are pushed. */
function pushedReference(name: string, tag: string | undefined): string {
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  const repository = colon === -1 || name.includes('@') ? name : name.slice(0, colon)
  return tag === undefined ? repository : `${repository}:${tag}`
}

/** Credentials in base64url JSON; a broken header counts as none, as Docker has it. */
function registryAuth(header: string | undefined): RegistryCredentials | undefined {
  if (header === undefined || header === '') return undefined
  try {
    return authConfig.parse(JSON.parse(Buffer.from(header, 'base64url').toString()))
  } catch {
    return undefined
  }
}

/**
 * Progress as JSON lines. What fails before the first line is told by status; after it, by a line of its own, because
 * the status is out. So a quiet answer begins when there is something to tell, and Go's clients, which go once it has begun,
 * leave nothing half done.
 */
async function sendProgress(
  call: Call,
  progress: AsyncIterable<ImageProgress>,
  quiet = false,
): Promise<void> {
  const lines = await begun(quiet ? withoutBars(progress) : progress)
  await call.sendLines(withError(lines, call.signal))
}

async function* withError(
  lines: AsyncIterable<ImageProgress>,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  try {
    yield* lines
  } catch (error) {
    if (signal.aborted) return
    yield { errorDetail: { message: errorMessage(error) }, error: errorMessage(error) }
  }
}

async function* withoutBars(lines: AsyncIterable<ImageProgress>): AsyncGenerator<ImageProgress> {
  for await (const line of lines) if (line.progressDetail === undefined) yield line
}
