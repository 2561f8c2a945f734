import type { Engine } from '../../engine/contract.ts'
import type { BuildContext, BuildRequest } from '../../engine/contract/builds.ts'
import type { RegistryCredentials } from '../../engine/contract/common.ts'
import type { BuildForm } from '../api/schemas/build.ts'
import type { Job } from '../live/protocol.ts'
import type { JobReport } from './jobs.ts'

/** What the base images' registries are told: by registry. */
export type CredentialsOf = (registry: string) => Promise<RegistryCredentials | undefined>

/** Builds what the form asks for; the engine puts it on record under the job's ID. */
export async function buildImage(
  engine: Pick<Engine, 'builds'>,
  id: string,
  form: BuildForm,
  context: BuildContext,
  credentials: CredentialsOf,
  report: JobReport,
): Promise<Job['result']> {
  const events = engine.builds.build(requestOf(id, form, context, credentials), report.signal)
  let result: Job['result'] = null
  report.say('Reading the context…')
  for await (const event of events) {
    if (event.kind === 'started')
      report.say(`${String(event.number)}/${String(event.total)} ${firstLine(event.instruction)}`)
    else if (event.kind === 'progress') report.progress(event.progress)
    else if (event.kind === 'built')
      result = { images: event.tags.length > 0 ? event.tags : [event.image] }
  }
  report.signal.throwIfAborted()
  return result
}

function requestOf(
  id: string,
  form: BuildForm,
  context: BuildContext,
  credentials: CredentialsOf,
): BuildRequest {
  const secrets = new Map(form.secrets.map(({ id: name, value }) => [name, Buffer.from(value)]))
  return {
    id,
    context,
    dockerfile: form.dockerfile === '' ? undefined : form.dockerfile,
    tags: form.tags,
    buildArgs: form.buildArgs,
    labels: form.labels,
    target: form.target === '' ? undefined : form.target,
    platform: form.platform === '' ? undefined : form.platform,
    noCache: form.noCache,
    pull: form.pull,
    network: form.network === '' ? undefined : form.network,
    credentials,
    ...(secrets.size > 0 ? { secret: (name) => Promise.resolve(secrets.get(name)) } : {}),
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 200) ?? ''
}
