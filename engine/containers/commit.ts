import type { CommitOptions } from '../contract/containers.ts'
import { ConflictError } from '../errors.ts'
import { applyChanges } from '../images/changes.ts'
import { mergeImageConfig } from '../runtime/image-config.ts'
import type { ContainerConfig, ImageConfig } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { pauseForCommit, resumeAfterCommit } from './pause.ts'

/**
 * Makes an image of the container's files as they are now, volumes not among them.
 *
 * @throws INVALID_PARAMETER when the name, a change or the config is at fault
 * @throws CONFLICT when the container is being removed, or its image is
 * @see POST /commit
 */
export async function commitContainer(
  context: ContainersContext,
  container: Container,
  options: CommitOptions = {},
): Promise<{ Id: string }> {
  const { config, id, imageId } = container.document
  if (container.status === 'dead')
    throw new ConflictError(`You cannot commit container ${id} which is Dead`)
  if (container.status === 'removing')
    throw new ConflictError(`You cannot commit container ${id} which is being removed`)
  // what a config that was sent leaves out is the container's before the changes see it: `ENV PATH=/x:$PATH` needs it
  const asked = applyChanges(
    mergeImageConfig(options.config ?? config, config),
    options.changes ?? [],
  )
  let paused = (options.pause ?? true) && (await pauseForCommit(context, container))
  const resume = async (): Promise<void> => {
    if (!paused) return
    paused = false
    await resumeAfterCommit(context, container)
  }
  try {
    const image = await context.images.commit({
      imageId,
      containerId: id,
      trees: context.trees,
      onRead: resume,
      config: imageConfigOf(asked),
      createdBy: (config.Cmd ?? []).join(' '),
      author: options.author ?? '',
      comment: options.comment ?? '',
      repo: options.repo,
      tag: options.tag,
    })
    emitContainerEvent(context, container, 'commit', {
      comment: options.comment ?? '',
      imageID: image.id,
      imageRef: image.reference ?? '',
    })
    return { Id: image.id }
  } finally {
    await resume()
  }
}

/** What of a container's config an image has. @see image-spec config.md, "config" */
const FIELDS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'Healthcheck',
  'OnBuild',
  'Shell',
] as const satisfies (keyof ContainerConfig & keyof ImageConfig)[]

function imageConfigOf(config: ImageConfig): ImageConfig {
  const image: ImageConfig = {}
  for (const field of FIELDS) {
    const value = config[field]
    const isEmpty =
      value === '' || (typeof value === 'object' && value && Object.keys(value).length === 0)
    // each field has one type in both
    if (value !== undefined && value !== null && !isEmpty) Object.assign(image, { [field]: value })
  }
  return image
}
