import fs from 'node:fs/promises'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { removeRunDir } from './run-dir.ts'

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
  await removeRunDir(container.runDir)
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
