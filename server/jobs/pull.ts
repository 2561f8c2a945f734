import type { Engine } from '../../engine/contract.ts'
import type { PullRequest } from '../api/schemas/deploy.ts'
import type { Job } from '../live/protocol.ts'
import type { JobReport } from './jobs.ts'

/** Pulls an image, a row per layer. */
export async function pullImage(
  engine: Pick<Engine, 'images'>,
  request: PullRequest,
  report: JobReport,
): Promise<Job['result']> {
  report.say(`Pulling ${request.image}…`)
  const progress = engine.images.pull(
    request.image,
    request.auth ? { auth: request.auth } : {},
    report.signal,
  )
  for await (const line of progress) {
    report.progress(line)
  }
  // An aborted iteration ends quietly.
  report.signal.throwIfAborted()
  return { images: [request.image] }
}
