import { ConflictError, EngineError } from '../errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { emitContainerEvent } from './context.ts'
import { startHealthMonitor } from './health.ts'
import { requireRunning } from './running.ts'

/**
 * Freezes every process of the container and resolves once the kernel says so.
 *
 * @throws CONFLICT (409) when it does not run or is paused already
 * @see POST /containers/{id}/pause
 */
export async function pauseContainer(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  await container.lock.run(async () => {
    if (container.status === 'paused')
      throw new ConflictError(`container ${container.id} is already paused`)
    const { cgroup } = requireRunning(container)
    await cgroup.freeze()
    // a frozen probe would only fail by its time
    container.health?.stop()
    await container.recordState({ status: 'paused' }, context.warn)
  })
  emitContainerEvent(context, container, 'pause')
}

/** @throws SYSTEM (500, as Docker) when it is not paused @see POST /containers/{id}/unpause */
export async function unpauseContainer(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  await container.lock.run(async () => {
    if (container.status !== 'paused')
      throw new EngineError('SYSTEM', `Container ${container.id} is not paused`)
    const { cgroup } = requireRunning(container)
    await cgroup.thaw()
    await container.recordState({ status: 'running' }, context.warn)
    startHealthMonitor(context, container)
  })
  emitContainerEvent(context, container, 'unpause')
}
