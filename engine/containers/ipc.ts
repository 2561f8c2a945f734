import { ConflictError, InvalidParameterError } from '../errors.ts'
import { openSharedMemory, sharedMemoryPath } from '../runtime/shared-memory.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { isRunning } from './state.ts'
import { idMapOf } from './userns.ts'

/**
 * The host's directory that a container has as /dev/shm when it shares it: its own, made here, when it is shareable, or
 * that of the one it joins. undefined when its /dev/shm is nobody else's.
 *
 * @throws CONFLICT when the other one does not run, INVALID_PARAMETER when it does not share
 * @see HostConfig.IpcMode, Docker Engine API
 */
export function shmPathOf(context: ContainersContext, container: Container): string | undefined {
  const { hostConfig } = container.document
  const mode = hostConfig.IpcMode ?? ''
  if (mode === 'shareable')
    return openSharedMemory(container.runDir, hostConfig, idMapOf(container))
  const name = /^container:(.+)$/.exec(mode)?.[1]
  if (name === undefined) return undefined
  const donor = context.table.get(name)
  if (!isRunning(donor.status)) {
    throw new ConflictError(`failed to join IPC namespace: container ${donor.id} is not running`)
  }
  const donorMode = donor.document.hostConfig.IpcMode ?? ''
  // one that joins passes on what it has joined, as does one on the host's
  if (donorMode.startsWith('container:')) return shmPathOf(context, donor)
  if (donorMode === 'host') return '/dev/shm'
  if (donorMode !== 'shareable') {
    throw new InvalidParameterError(
      `failed to join IPC namespace: container ${donor.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
    )
  }
  return sharedMemoryPath(donor.runDir)
}
