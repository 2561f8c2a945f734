import { ConflictError, errorCode } from '../errors.ts'
import type { Container } from './container.ts'

/**
 * Waits for work on a container's files. What fails of it because they were removed at that moment says so, whatever was
 * missing first.
 *
 * @throws CONFLICT then, in Docker's words; what the work throws else
 */
export async function whileThere<T>(container: Container, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const { id, isBeingRemoved, removed, status } = container
    const isGoing = removed || isBeingRemoved || status === 'removing'
    if (!isGoing || errorCode(error) !== 'SYSTEM') throw error
    throw new ConflictError(`container ${id} is marked for removal`, { cause: error })
  }
}
