import type { Engine } from '../../engine/contract.ts'
import type { PushRequest } from '../api/schemas/deploy.ts'
import type { Job } from '../live/protocol.ts'
import type { JobReport } from './jobs.ts'
import type { AuthFor } from './pull.ts'

/**
 * Pushes an image under a tag of its own or a new one, a row per layer; without credentials of its own with those that
 * are stored for its registry. A tag that it was given for the push stays: it is what the registry knows it by.
 */
export async function pushImage(
  engine: Pick<Engine, 'images'>,
  request: PushRequest,
  report: JobReport,
  authFor: AuthFor,
): Promise<Job['result']> {
  const { repository, tag } = splitTag(request.target)
  const reference = `${repository}:${tag}`
  report.say(`Pushing ${reference}…`)
  const image = await engine.images.inspect(request.image)
  const auth = request.auth ?? (await authFor(reference))
  if (!(image.RepoTags ?? []).includes(reference))
    await engine.images.tag(request.image, repository, tag)
  const progress = engine.images.push(reference, auth ? { auth } : {}, report.signal)
  for await (const line of progress) report.progress(line)
  // An aborted iteration ends quietly.
  report.signal.throwIfAborted()
  return { images: [reference] }
}

/** `latest` unless it says another: without a tag the engine would push all of the repository. */
function splitTag(target: string): { repository: string; tag: string } {
  const colon = target.indexOf(':', target.lastIndexOf('/') + 1)
  if (colon === -1) return { repository: target, tag: 'latest' }
  return { repository: target.slice(0, colon), tag: target.slice(colon + 1) }
}
