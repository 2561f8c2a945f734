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
    await container.recordState({ status: 'paused', pausedForCommit: false }, context.warn)
  })
  emitContainerEvent(context, container, 'pause')
}

/**
 * Freezes a container that runs, unless it is paused already, for as long as somebody commits it. Its state on disk tells
 * that the pause is nobody's wish: an engine that takes over ends it.
 *
 * @returns true when resumeAfterCommit has to follow
 */
export async function pauseForCommit(
  context: ContainersContext,
  container: Container,
): Promise<boolean> {
  return await container.lock.run(async () => {
    if (container.status === 'paused' && container.state.pausedForCommit) {
      container.commits++
      return true
    }
    if (container.status !== 'running') return false
    const { cgroup } = requireRunning(container)
    await cgroup.freeze()
    // a frozen probe would only fail by its time
    container.health?.stop()
    await container.recordState({ status: 'paused', pausedForCommit: true }, context.warn)
    container.commits++
    emitContainerEvent(context, container, 'pause')
    return true
  })
}

/** Thaws it with the last commit, unless somebody else has ended its pause, or the container, before. */
export async function resumeAfterCommit(
  context: ContainersContext,
  container: Container,
): Promise<void> {
  await container.lock.run(async () => {
    if (--container.commits > 0) return
    if (container.status !== 'paused' || !container.state.pausedForCommit) return
    await requireRunning(container).cgroup.thaw()
    await container.recordState({ status: 'running', pausedForCommit: false }, context.warn)
    startHealthMonitor(context, container)
    emitContainerEvent(context, container, 'unpause')
  })
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
    await container.recordState({ status: 'running', pausedForCommit: false }, context.warn)
    startHealthMonitor(context, container)
  })
  emitContainerEvent(context, container, 'unpause')
}
