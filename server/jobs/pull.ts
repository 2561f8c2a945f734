import type { Engine } from '../../engine/contract.ts'
import type { RegistryCredentials } from '../../engine/contract/common.ts'
import type { Job } from '../live/protocol.ts'
import type { JobReport } from './jobs.ts'

/** What an image's registry is to be told; undefined for nothing. */
export type AuthFor = (reference: string) => Promise<RegistryCredentials | undefined>

/** Pulls an image, a row per layer; without credentials of its own with those that are stored for its registry. */
export async function pullImage(
  engine: Pick<Engine, 'images'>,
  request: { image: string; auth?: RegistryCredentials | undefined },
  report: JobReport,
  authFor: AuthFor,
): Promise<Job['result']> {
  report.say(`Pulling ${request.image}…`)
  const auth = request.auth ?? (await authFor(request.image))
  const progress = engine.images.pull(request.image, auth ? { auth } : {}, report.signal)
  for await (const line of progress) {
    report.progress(line)
  }
  // An aborted iteration ends quietly.
  report.signal.throwIfAborted()
  return { images: [request.image] }
}
