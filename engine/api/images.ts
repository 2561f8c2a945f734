import { z } from 'zod'
import type { ImageEngine, ImageProgress } from '../contract.ts'
import { errorMessage, InvalidParameterError, NotImplementedError } from '../errors.ts'
import type { AuthConfig } from '../types/docker.ts'
import type { Call } from './call.ts'
import { begun } from './containers.ts'
import { authConfig } from './object-bodies.ts'
import type { Route } from './router.ts'
import { filters, flag, word } from './values.ts'

export function imageRoutes(images: ImageEngine): Route[] {
  return [
    {
      method: 'GET',
      path: '/images/json',
      handle: async (call) => {
        const query = call.query(
          z.object({ all: flag, filters, filter: word, 'shared-size': flag }),
        )
        // `filter` is how clients below 1.25 name a repository.
        const wanted =
          query.filter === undefined
            ? query.filters
            : { ...query.filters, reference: [query.filter] }
        const list = await images.list({
          all: query.all,
          sharedSize: query['shared-size'],
          filters: wanted,
        })
        call.send(
          200,
          list.map((image) => withVirtualSize(call, image)),
        )
      },
    },
    { method: 'POST', path: '/images/create', handle: (call) => create(images, call) },
    {
      method: 'POST',
      path: '/images/load',
      handle: async (call) => {
        const { quiet } = call.query(z.object({ quiet: flag }))
        refuse(call, 'platform')
        await sendProgress(call, images.load(call.body, call.signal), quiet)
      },
    },
    {
      method: 'POST',
      path: '/images/prune',
      handle: async (call) => {
        call.send(200, await images.prune(call.query(z.object({ filters })).filters))
      },
    },
    {
      method: 'GET',
      path: '/images/:name*/json',
      handle: async (call) => {
        refuse(call, 'platform')
        call.send(200, withVirtualSize(call, await images.inspect(call.param('name'))))
      },
    },
    {
      method: 'GET',
      path: '/images/:name*/history',
      handle: async (call) => {
        refuse(call, 'platform')
        call.send(200, await images.history(call.param('name')))
      },
    },
    {
      method: 'POST',
      path: '/images/:name*/tag',
      handle: async (call) => {
        const { repo, tag } = call.query(z.object({ repo: word, tag: word }))
        if (repo === undefined)
          throw new InvalidParameterError('repository name must have at least one component')
        await images.tag(call.param('name'), repo, tag)
        call.send(201)
      },
    },
    {
      method: 'DELETE',
      path: '/images/:name*',
      handle: async (call) => {
        refuse(call, 'platforms')
        call.send(
          200,
          await images.remove(
            call.param('name'),
            call.query(z.object({ force: flag, noprune: flag })),
          ),
        )
      },
    },
  ]
}

/** Pull (`fromImage`) or import of a tar in the body (`fromSrc=-`). */
async function create(images: ImageEngine, call: Call): Promise<void> {
  const query = call.query(
    z.object({
      fromImage: word,
      fromSrc: word,
      repo: word,
      tag: word,
      message: word,
      platform: word,
    }),
  )
  const { platform } = query
  if (query.fromImage !== undefined) {
    const auth = registryAuth(call.header('x-registry-auth'))
    const reference = referenceOf(query.fromImage, query.tag)
    await sendProgress(call, images.pull(reference, { auth, platform }, call.signal))
    return
  }
  if (query.fromSrc === undefined)
    throw new InvalidParameterError('either fromImage or fromSrc is needed')
  if (query.fromSrc !== '-') throw new NotImplementedError('fromSrc: import from a URL')
  await sendProgress(
    call,
    images.import(
      call.body,
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

/** Credentials in base64url JSON; a broken header counts as none, as Docker has it. */
function registryAuth(header: string | undefined): AuthConfig | undefined {
  if (header === undefined || header === '') return undefined
  try {
    return authConfig.parse(JSON.parse(Buffer.from(header, 'base64url').toString()))
  } catch {
    return undefined
  }
}

/**
 * Progress as JSON lines. What fails before the first line is told by status; after it, by a line of its own, because
 * the status is out.
 */
async function sendProgress(
  call: Call,
  progress: AsyncIterable<ImageProgress>,
  quiet = false,
): Promise<void> {
  const lines = await begun(progress)
  await call.sendLines(withError(quiet ? withoutBars(lines) : lines, call.signal))
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

/** Until 1.44 the size was given twice. */
function withVirtualSize<T extends { Size?: number }>(call: Call, image: T): T {
  return call.speaks('1.44') ? image : { ...image, VirtualSize: image.Size }
}

/** One platform per image is kept here, so choosing among several is nothing that can be done. */
function refuse(call: Call, parameter: string): void {
  if (call.queryAll(parameter).length > 0)
    throw new NotImplementedError(`${parameter}: images of several platforms`)
}
