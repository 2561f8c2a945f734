import type { ContainerExit, WaitCondition } from '../contract/containers.ts'
import { NotFoundError } from '../errors.ts'
import type { Container } from './container.ts'

/**
 * Registers a wait and answers at once; `exited` settles when the condition holds.
 *
 * - `not-running`: at once when it is created, exited or dead, else at the next end of its process, whether or not the
 *   restart policy starts another
 * - `next-exit`: at the next end of a process, also of one that is yet to be started
 * - `removed`: when the container is gone
 *
 * @see POST /containers/{id}/wait
 */
export function waitForContainer(
  container: Container,
  condition: WaitCondition,
  signal?: AbortSignal,
): { exited: Promise<ContainerExit> } {
  const { status, exitCode } = container.state
  if (condition === 'not-running' && !['running', 'paused', 'restarting'].includes(status)) {
    return { exited: Promise.resolve({ StatusCode: exitCode }) }
  }
  if (condition === 'removed' && container.removed) {
    return { exited: Promise.resolve({ StatusCode: exitCode }) }
  }
  const event = condition === 'removed' ? 'removed' : 'ended'
  const exited = new Promise<ContainerExit>((resolve, reject) => {
    const settle = (exit: ContainerExit): void => {
      forget()
      resolve(exit)
    }
    const abort = (): void => {
      forget()
      reject(new NotFoundError('the wait was given up'))
    }
    const forget = (): void => {
      container.events.off(event, settle)
      container.events.off('removed', settle)
      signal?.removeEventListener('abort', abort)
    }
    container.events.once(event, settle)
    // whoever waits for the end of a container that is removed instead would wait for ever
    if (event !== 'removed') container.events.once('removed', settle)
    signal?.addEventListener('abort', abort, { once: true })
  })
  exited.catch(() => undefined)
  return { exited }
}
