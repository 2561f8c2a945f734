import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { BuildContext } from '../../engine/contract/builds.ts'
import { errorMessage, InvalidParameterError } from '../../engine/errors.ts'
import { BuildLines } from '../builds/build-lines.ts'
import { outputOf } from '../builds/output.ts'
import { writtenLog } from '../builds/written-log.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { buildImage } from '../jobs/build.ts'
import type { BuildLine, Job } from '../live/protocol.ts'
import { forSession, readBody, readQuery } from './handler.ts'
import type { JobStarted } from './jobs.ts'
import { linesQuery } from './schemas/build-lines.ts'
import { buildSchema, type BuildForm } from './schemas/build.ts'

interface OfBuild {
  params: Promise<{ id: string }>
}

/** Begins a build, which has its job's ID. Files that are uploaded come by `putContext`. */
export const postBuild = forSession(async (session, request): Promise<JobStarted> => {
  const form = await readBody(request, buildSchema)
  const { engine, jobs, registries, uploads } = context()
  const id = randomBytes(16).toString('hex')
  const job: Job = jobs.start({
    id,
    kind: 'build',
    title: titleOf(form),
    user: session.user.name,
    work: async (report) => {
      if (form.source.kind === 'upload') report.say('Waiting for the files…')
      const files = await contextOf(form, () => uploads.expect(id, session.user.id, report.signal))
      try {
        return await buildImage(
          engineOf(engine, session.user),
          id,
          form,
          files,
          (registry) => registries.credentialsOf(registry),
          report,
        )
      } finally {
        // a build that fails or is cancelled lets go of the upload
        if ('tar' in files) files.tar.destroy()
      }
    },
    done: (result) => `Built ${(result?.images ?? []).join(', ')}.`,
  })
  return { jobId: id, job }
})

/** The body is the context, a tar, maybe compressed, read as it comes; the answer comes when all of it was taken. */
export const putContext = forSession(async (session, request: Request, route: OfBuild) => {
  const { id } = await route.params
  const { body } = request
  if (!body) throw new InvalidParameterError('Send the files as the body: a tar, maybe compressed.')
  const { jobs, uploads } = context()
  const tar = Readable.fromWeb(body as ReadableStream<Uint8Array>)
  const taken = new Promise<void>((resolve) => {
    tar.once('end', resolve)
    tar.once('close', resolve)
  })
  // whoever reads it hears of it too
  tar.on('error', () => undefined)
  uploads.give(id, session.user.id, tar)
  await Promise.race([taken, jobs.ended(id)])
  return {}
})

/** Cancels a build by whatever door it came, and returns when it has ended. */
export const cancelBuild = forSession(async (session, _request: Request, route: OfBuild) => {
  const { id } = await route.params
  const { engine, jobs } = context()
  if (jobs.isRunning(id)) {
    jobs.cancel(id)
    await jobs.ended(id)
  } else await engineOf(engine, session.user).builds.cancel(id)
  return {}
})

/** Takes a build off the record. */
export const deleteBuild = forSession(async (session, _request: Request, route: OfBuild) => {
  const { id } = await route.params
  await engineOf(context().engine, session.user).builds.forget(id)
  return {}
})

/** Builds under way and on record, newest first. */
export const getBuilds = forSession(() => context().engine.builds.list())

/** A build on record, whole. */
export const getBuild = forSession(async (_session, _request: Request, route: OfBuild) => {
  const { id } = await route.params
  return await context().engine.builds.inspect(id)
})

/** GET /api/builds/{id}/lines?from=&to= : `{ lines }`. */
export const getLines = forSession(async (_session, request: Request, route: OfBuild) => {
  const { id } = await route.params
  const { from, to } = readQuery(request, linesQuery)
  const found: BuildLine[] = []
  const lines = new BuildLines((line) => {
    if (line.n >= from && line.n < to) found.push(line)
  })
  for await (const event of context().engine.builds.log(id, {}, request.signal)) {
    lines.take(event)
    if (lines.count >= to) break
  }
  lines.end()
  return { lines: found }
})

/** The whole log as a text file. */
export const downloadBuildLog = forSession(async (_session, request: Request, route: OfBuild) => {
  const { id } = await route.params
  const { builds } = context().engine
  await builds.inspect(id)
  const body = Readable.from(writtenLog(builds.log(id, {}, request.signal)), { objectMode: false })
  return attached(body, `build-${id.slice(0, 12)}.log`, 'text/plain; charset=utf-8')
})

/** What was built, as a file: `?type=files` (as --output type=local or tar) or `oci`. */
export const downloadOutput = forSession(async (session, request: Request, route: OfBuild) => {
  const { id } = await route.params
  const type = new URL(request.url).searchParams.get('type')
  if (type !== 'files' && type !== 'oci') throw new InvalidParameterError('type is files or oci.')
  const { name, tar } = await outputOf(
    engineOf(context().engine, session.user),
    id,
    type,
    request.signal,
  )
  return attached(tar, name, 'application/x-tar')
})

async function contextOf(
  { source }: BuildForm,
  uploaded: () => Promise<Readable>,
): Promise<BuildContext> {
  switch (source.kind) {
    case 'dockerfile':
      return { empty: true, dockerfile: source.text }
    case 'upload':
      return { tar: await uploaded() }
    case 'address':
      return { remote: source.address }
  }
}

function titleOf({ source, tags }: BuildForm): string {
  const [tag] = tags
  if (tag !== undefined) return tag
  if (source.kind === 'dockerfile') return 'a Dockerfile'
  if (source.kind === 'upload') return source.name === '' ? 'uploaded files' : source.name
  // what stands before the host may be a password
  return source.address.replace(/\/\/[^/?#]*@/, '//')
}

function attached(body: Readable, name: string, type: string): Response {
  body.on('error', (error) => {
    // the client sees the stream cut short; the words are for the operator
    console.warn(`gantry: ${name}: ${errorMessage(error)}`)
  })
  return new Response(Readable.toWeb(body) as unknown as BodyInit, {
    headers: {
      'Content-Type': type,
      'Content-Disposition': `attachment; filename="${name}"`,
      // as it is: gigabytes are not to be compressed on their way
      'Cache-Control': 'no-store, no-transform',
      'X-Content-Type-Options': 'nosniff',
    },
  })
}
