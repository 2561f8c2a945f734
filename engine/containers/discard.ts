import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { errorCode, errorMessage } from '../errors.ts'
import { runSteps } from '../native/steps.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { removeRunDir } from './run-dir.ts'

/**
 * The removal itself; the caller holds the lock and the container does not run. One that fails half-way leaves a dead
 * container, whose removal can be tried again.
 */
export async function removeHeld(
  context: ContainersContext,
  container: Container,
  options: { volumes: boolean },
): Promise<void> {
  if (container.removed) return
  // written first: a removal cut short is finished at the next start of the engine. A disk that is full must not refuse it.
  await container.recordState({ status: 'removing', removesVolumes: options.volumes }, context.warn)
  try {
    await removeParts(context, container)
  } catch (error) {
    await container.recordState({ status: 'dead', error: errorMessage(error) }, context.warn)
    throw error
  }
  container.removed = true
  context.table.delete(container)
  emitContainerEvent(context, container, 'destroy')
  container.events.emit('removed', { StatusCode: container.state.exitCode })
}

async function removeParts(context: ContainersContext, container: Container): Promise<void> {
  const { id } = container
  for (const { stream } of container.pendingAttaches) stream.destroy()
  await context.networks.sandboxes.stop(id)
  await context.images.removeWritable(id)
  context.execs.forgetContainer(id)
  await context.logs.finish(container)
  await removeRunDir(container.runDir)
  if (container.state.removesVolumes === true) await removeAnonymousVolumes(context, container)
  await removeDirectory(container.dir)
}

const DOCUMENTS = ['container.json', 'state.json']

/**
 * The documents last, so that one whose removal fails is still known; and of them container.json first: a directory without
 * it is no container's.
 */
async function removeDirectory(dir: string): Promise<void> {
  // somebody may have been quicker
  const names = existsSync(dir) ? readdirSync(dir) : []
  const others = names.filter((name) => !DOCUMENTS.includes(name))
  const files = [...others, ...DOCUMENTS].map((name) => path.join(dir, name))
  await runSteps([...files, dir].map((file) => ({ do: 'remove', path: file })))
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
      // a container that was given it by --volumes-from takes it along in its turn
      if (errorCode(error) === 'CONFLICT') continue
      context.warn(`could not remove the anonymous volume ${Name}`, error)
    }
  }
}
