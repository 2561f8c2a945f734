import { Readable, Transform } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { InvalidParameterError } from '../../engine/errors.ts'
import { engineOf } from '../caller.ts'
import { context } from '../context.ts'
import { deploy } from '../jobs/deploy.ts'
import { loadImages } from '../jobs/load.ts'
import { type AuthFor, pullImage } from '../jobs/pull.ts'
import { pushImage } from '../jobs/push.ts'
import type { Job } from '../live/protocol.ts'
import { forSession, readBody } from './handler.ts'
import { deploySchema, pullSchema, pushSchema } from './schemas/deploy.ts'

/** What every route that begins a job answers with; how it goes on is the live topic `jobs`. */
export interface JobStarted {
  jobId: string
  job: Job
}

export const postDeploy = forSession(async (session, request) => {
  const wanted = await readBody(request, deploySchema)
  const { engine, jobs } = context()
  return started(
    jobs.start({
      kind: 'deploy',
      title: wanted.name === '' ? wanted.image : `${wanted.name} (${wanted.image})`,
      user: session.user.name,
      work: (report) => deploy(engineOf(engine, session.user), wanted, report, authFor),
    }),
  )
})

export const postPull = forSession(async (session, request) => {
  const wanted = await readBody(request, pullSchema)
  const { engine, jobs } = context()
  return started(
    jobs.start({
      kind: 'pull',
      title: wanted.image,
      user: session.user.name,
      work: (report) => pullImage(engineOf(engine, session.user), wanted, report, authFor),
    }),
  )
})

export const postPush = forSession(async (session, request) => {
  const wanted = await readBody(request, pushSchema)
  const { engine, jobs } = context()
  return started(
    jobs.start({
      kind: 'push',
      title: wanted.target,
      user: session.user.name,
      work: (report) => pushImage(engineOf(engine, session.user), wanted, report, authFor),
      done: (result) => `Pushed ${(result?.images ?? []).join(', ')}.`,
    }),
  )
})

/** The body is the tar itself, read as it comes; the answer comes with the end of the job. */
export const postLoad = forSession(async (session, request) => {
  const { body } = request
  if (!body) throw new InvalidParameterError('Send the image tar as the body.')
  const { engine, jobs } = context()
  const total = Number(request.headers.get('content-length') ?? 0)
  const title = fileName(request.headers.get('x-file-name'))
  const job = jobs.start({
    kind: 'load',
    title,
    user: session.user.name,
    work: (report) => {
      let current = 0
      const counted = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          current += chunk.length
          report.progress({ id: 'upload', status: 'Uploading', progressDetail: { current, total } })
          done(null, chunk)
        },
        flush(done) {
          report.progress({
            id: 'upload',
            status: 'Uploaded',
            progressDetail: { current, total: current },
          })
          done()
        },
      })
      const tar = Readable.fromWeb(body as ReadableStream<Uint8Array>)
      tar.on('error', (error) => counted.destroy(error))
      // A job that fails or is cancelled lets go of the upload.
      counted.on('close', () => tar.destroy())
      return loadImages(engineOf(engine, session.user), tar.pipe(counted), report)
    },
    done: (result) => `Loaded ${(result?.images ?? []).join(', ')}.`,
  })
  // The body can be read only as long as the request has no answer.
  await jobs.ended(job.id)
  return started(job)
})

export const postCancel = forSession(
  async (_session, _request: Request, route: { params: Promise<{ id: string }> }) => {
    const { id } = await route.params
    context().jobs.cancel(id)
    return {}
  },
)

/** Credentials that the console keeps for registries. */
const authFor: AuthFor = (reference) => context().registries.registryAuthFor(reference)

function started(job: Job): JobStarted {
  return { jobId: job.id, job }
}

/** For the title only; encoded, because header values are Latin-1. */
function fileName(header: string | null): string {
  try {
    return decodeURIComponent(header ?? '').slice(0, 200) || 'image archive'
  } catch {
    return 'image archive'
  }
}
