import fs from 'node:fs/promises'
import type { ContainerRemoveOptions, Filters } from '../contract.ts'
import { ConflictError, NotImplementedError } from '../errors.ts'
import { checkFilters, matchesLabels } from '../filters.ts'
import { pruneUntil } from '../until.ts'
import { closeSharedMemory } from '../runtime/shared-memory.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { cancelRestart } from './start.ts'
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
    await container.setState({ manuallyStopped: true })
    cancelRestart(container)
    if (isRunning(container.status)) await killForGood(context, container)
  }
  await container.lock.run(async () => {
    if (container.removed) return
    cancelRestart(container)
    await removeHeld(context, container, { volumes: options.volumes ?? false })
  })
}

/** The removal itself; the caller holds the lock and the container does not run. */
export async function removeHeld(
  context: ContainersContext,
  container: Container,
  options: { volumes: boolean },
): Promise<void> {
  if (container.removed) return
  const { id } = container
  // written first: a removal cut short is finished at the next start of the engine
  await container.setState({ status: 'removing' })
  for (const { stream } of container.pendingAttaches) stream.destroy()
  await context.networks.stop(id)
  await context.images.snapshots.remove(id)
  context.execs.forgetContainer(id)
  closeSharedMemory(container.runDir)
  await fs.rm(container.runDir, { recursive: true, force: true })
  await fs.rm(container.dir, { recursive: true, force: true })
  container.removed = true
  context.table.delete(container)
  if (options.volumes) await removeAnonymousVolumes(context, container)
  emitContainerEvent(context, container, 'destroy')
  const exit = { StatusCode: container.state.exitCode }
  container.events.emit('removed', exit)
}

/** Those made for this container alone: without a name of their own, and no other container uses them. */
async function removeAnonymousVolumes(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  for (const { Name, Type } of container.document.mounts) {
    if (Type !== 'volume' || Name === undefined) continue
    const volume = await context.volumes.inspect(Name).catch(() => undefined)
    if (volume?.Labels['com.docker.volume.anonymous'] === undefined) continue
    try {
      await context.volumes.remove(Name)
    } catch (error) {
      context.warn(`could not remove the anonymous volume ${Name}`, error)
    }
  }
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
