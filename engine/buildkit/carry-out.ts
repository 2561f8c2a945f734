import type { Engine } from '../contract.ts'
import { GrpcError, grpcErrorOf } from './grpc-error.ts'
import { ownProgress } from './history-events.ts'
import type { SolveRequest } from './messages.ts'
import { cancelled } from './solve.ts'
import type { Shared, SolveJob } from './solve.ts'

/**
 * Carries a client's build out where its other calls find it, and on record.
 *
 * @returns what its exporters tell
 * @throws GrpcError
 */
export async function carryOut(
  job: SolveJob,
  request: SolveRequest,
  { engine, shared, signal }: { engine: Engine; shared: Shared; signal: AbortSignal },
): Promise<Record<string, string>> {
  const { history, jobs } = shared
  const before = await ownProgress(engine.builds, history, job.ref)
  if (jobs.has(job.ref) || before)
    throw new GrpcError('ALREADY_EXISTS', `job ${job.ref} already exists`)
  jobs.set(job.ref, job)
  history.start(request, job.progress)
  try {
    const response = await job.run()
    history.complete(job.ref, { response })
    return response
  } catch (error) {
    const failure = signal.aborted ? cancelled() : grpcErrorOf(error)
    const { details, grpcCode: code, message } = failure
    history.complete(job.ref, { error: { code, message, details } })
    throw failure
  } finally {
    jobs.delete(job.ref)
    job.progress.end()
  }
}
