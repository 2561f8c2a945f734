import type { ContainerRemoveOptions } from '../contract/containers.ts'
import { ConflictError, withPrefix } from '../errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { removeHeld } from './discard.ts'
import { wantEnd } from './end-cause.ts'
import { isRunning } from './state.ts'
import { killForGood } from './stop.ts'

/**
 * Removes a container with everything that is only its own.
 *
 * @throws CONFLICT when it runs and `force` is not given, or when it is being removed already
 * @see DELETE /containers/{id}
 */
export async function removeContainer(
  context: ContainersContext,
  container: Container,
  options: ContainerRemoveOptions = {},
): Promise<void> {
  const { name } = container
  if (container.isBeingRemoved || container.status === 'removing')
    throw new ConflictError(`removal of container ${name} is already in progress`)
  container.isBeingRemoved = true
  try {
    // again and again, for it may be started, or start by itself, between a look at it and its lock
    for (;;) {
      await makeRemovable(context, container, options.force ?? false)
      if (await removeUnlessRunning(context, container, options.volumes ?? false)) return
    }
  } catch (error) {
    throw withPrefix(`cannot remove container "${name}"`, error)
  } finally {
    container.isBeingRemoved = false
  }
}

async function makeRemovable(
  context: ContainersContext,
  container: Container,
  force: boolean,
): Promise<void> {
  const { status } = container
  if (!isRunning(status) && status !== 'restarting') return
  if (!force) {
    throw new ConflictError(
      status === 'paused'
        ? 'container is paused and must be unpaused first'
        : `container is ${status}: stop the container before removing or force remove`,
    )
  }
  wantEnd(container)
  await container.recordState({ manuallyStopped: true }, context.warn)
  if (isRunning(status)) await killForGood(context, container)
}

function removeUnlessRunning(
  context: ContainersContext,
  container: Container,
  volumes: boolean,
): Promise<boolean> {
  return container.lock.run(async () => {
    if (container.removed) return true
    if (isRunning(container.status)) return false
    container.cancelRestart()
    await removeHeld(context, container, { volumes })
    return true
  })
}
