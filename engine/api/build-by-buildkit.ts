import { carryOut } from '../buildkit/carry-out.ts'
import { GrpcError } from '../buildkit/grpc-error.ts'
import { STATUS_RESPONSE } from '../buildkit/messages.ts'
import type { Attributes } from '../buildkit/messages.ts'
import type { Progress } from '../buildkit/progress.ts'
import { givenWith, requestOfBuild } from '../buildkit/request-of-build.ts'
import { SolveJob } from '../buildkit/solve.ts'
import type { Shared } from '../buildkit/solve.ts'
import type { Engine } from '../contract.ts'
import type { BuildRequest } from '../contract/builds.ts'
import { InvalidParameterError } from '../errors.ts'

interface Options {
  /** The client's own name for it, by which a context that another request brings is found; empty: none. */
  buildid: string
  outputs: readonly Attributes[]
  /** Only the image's ID at the end; when it fails, all that was not said before. */
  quiet: boolean
  /** ID of the client's session; empty: it has none. */
  session: string
}

interface Door {
  engine: Engine
  shared: Shared
  signal: AbortSignal
}

/**
 * A build that `POST /build?version=2` asks for, begun, and how dockerd tells of one by BuildKit:
 * `{"id":"moby.buildkit.trace","aux":"<base64 of StatusResponse>"}` for what happens, and at the end
 * `{"id":"moby.image.id","aux":{"ID":"sha256:…"}}`.
 *
 * @throws INVALID_PARAMETER for what cannot be done, before anything is
 * @see moby: daemon/internal/builder-next/builder.go, Build
 */
export async function byBuildKit(
  request: BuildRequest,
  options: Options,
  door: Door,
): Promise<AsyncIterable<unknown>> {
  const { uploads } = door.shared
  if (!('remote' in request.context && request.context.remote === 'upload-request'))
    return begin(request, options, door)
  const tar = await uploads.take(options.buildid, door.signal)
  return begin({ ...request, context: { tar } }, options, door, () => {
    uploads.end(options.buildid)
  })
}

/** @param over called when the build is over, and when it cannot be begun */
function begin(
  request: BuildRequest,
  { buildid, outputs, quiet, session }: Options,
  { engine, shared, signal }: Door,
  over = (): void => undefined,
): AsyncGenerator<unknown> {
  const cancelling = new AbortController()
  const ending = AbortSignal.any([signal, cancelling.signal])
  const cancel = (): void => {
    cancelling.abort()
  }
  try {
    const solve = requestOfBuild(request, { outputs, session })
    const job = new SolveJob(solve, engine, shared, ending, givenWith(request))
    if (buildid !== '') shared.cancels.set(buildid, cancel)
    const outcome = carryOut(job, solve, { engine, shared, signal: ending }).finally(() => {
      // also of one that never began
      job.progress.end()
      if (shared.cancels.get(buildid) === cancel) shared.cancels.delete(buildid)
      over()
    })
    // told by the lines, unless the client has gone
    outcome.catch(() => undefined)
    return linesOf(job.progress, outcome, { quiet, signal })
  } catch (error) {
    over()
    if (error instanceof GrpcError) throw new InvalidParameterError(error.message, { cause: error })
    throw error
  }
}

/** The build that a request brings the context of and nothing more; undefined when it asks for a build. */
export function uploadFor(buildid: string): string | undefined {
  return /^upload-request:(.+)$/s.exec(buildid)?.[1]
}

async function* linesOf(
  progress: Progress,
  outcome: Promise<Record<string, string>>,
  { quiet, signal }: { quiet: boolean; signal: AbortSignal },
): AsyncGenerator<unknown> {
  if (!quiet) yield* traces(progress, signal)
  let image: string | undefined
  try {
    image = (await outcome)['containerimage.config.digest']
  } catch (error) {
    if (quiet) yield* traces(progress, signal)
    throw error
  }
  if (image === undefined) return
  yield quiet ? { stream: `${image}\n` } : { id: 'moby.image.id', aux: { ID: image } }
}

async function* traces(progress: Progress, signal: AbortSignal): AsyncGenerator<unknown> {
  for await (const update of progress.follow(signal))
    yield { id: 'moby.buildkit.trace', aux: STATUS_RESPONSE.encode(update).toString('base64') }
}
