import { ConflictError, errorCode } from '../errors.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/**
 * Does work on a container's files. What fails of it because they were removed at that moment says so, whatever was missing
 * first.
 *
 * @param name of the container, or its ID
 * @throws CONFLICT then, in Docker's words; NOT_FOUND when there is no such container, and what the work throws else
 */
export async function whileThere<T>(
  context: ContainersContext,
  name: string,
  work: (container: Container) => Promise<T>,
): Promise<T> {
  const container = context.table.get(name)
  try {
    return await work(container)
  } catch (error) {
    const { id, isBeingRemoved, removed, status } = container
    const isGoing = removed || isBeingRemoved || status === 'removing'
    if (!isGoing || errorCode(error) !== 'SYSTEM') throw error
    throw new ConflictError(`container ${id} is marked for removal`, { cause: error })
  }
}
