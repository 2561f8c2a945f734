import type { ContainerRemoveOptions, Filters } from '../contract.ts'
import { ConflictError, NotImplementedError } from '../errors.ts'
import { checkFilters, matchesLabels } from '../filters.ts'
import { pruneUntil } from '../until.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { removeHeld } from './discard.ts'
import { wantEnd } from './end-cause.ts'
import { isRunning } from './state.ts'
import { killForGood } from './stop.ts'

/**
 * Removes a container with everything that is only its own.
 *
 * @throws CONFLICT when it runs and `force` is not given
 * @see DELETE /containers/{id}
 */
export async function removeContainer(
  context: ContainersContext,
  container: Container,
  options: ContainerRemoveOptions = {},
): Promise<void> {
  if (options.link === true)
    throw new NotImplementedError('removing a link (link=true) is not supported')
  const force = options.force ?? false
  if (isRunning(container.status) || container.status === 'restarting') {
    if (!force) {
      const hint =
        container.status === 'paused'
          ? 'unpause and then stop the container before removal or force remove'
          : 'stop the container before removal or force remove'
      throw new ConflictError(
        `cannot remove container "${container.name}": container is ${container.status}: ${hint}`,
      )
    }
    wantEnd(container)
    await container.setState({ manuallyStopped: true })
    container.cancelRestart()
    if (isRunning(container.status)) await killForGood(context, container)
  }
  await container.lock.run(async () => {
    if (container.removed) return
    container.cancelRestart()
    await removeHeld(context, container, { volumes: options.volumes ?? false })
  })
}

const PRUNE_FILTERS = ['label', 'label!', 'until'] as const

/** Removes all containers that do not run. @see POST /containers/prune */
export async function pruneContainers(
  context: ContainersContext,
  filters: Filters = {},
): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
  checkFilters(filters, PRUNE_FILTERS)
  const until = pruneUntil(filters)
  const deleted: string[] = []
  let reclaimed = 0
  for (const container of context.table.all()) {
    const { config, created } = container.document
    if (!['created', 'exited', 'dead'].includes(container.status)) continue
    if (!matchesLabels(filters, config.Labels) || Date.parse(created) / 1000 > until) continue
    const size = await context.images.snapshots.usage(container.id).catch(() => 0)
    try {
      await removeContainer(context, container)
    } catch (error) {
      // started meanwhile: not ours to take
      if ((error as { code?: string }).code === 'CONFLICT') continue
      throw error
    }
    deleted.push(container.id)
    reclaimed += size
  }
  context.events.emit('container', 'prune', '', { reclaimed: String(reclaimed) })
  return { ContainersDeleted: deleted, SpaceReclaimed: reclaimed }
}
