import { InvalidParameterError } from '../errors.ts'
import type { HostConfig } from '../types/docker.ts'

/** Those of the IPC namespace. @see ipc_namespaces(7) */
const IPC = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
])

/**
 * Only what belongs to a namespace of the container's own may be set.
 *
 * @throws INVALID_PARAMETER for any other, in runc's words
 */
export function checkSysctls({
  IpcMode = '',
  NetworkMode = '',
  Sysctls,
  UTSMode = '',
}: HostConfig): void {
  for (const name of Object.keys(Sysctls ?? {})) {
    const invalid = (why: string): InvalidParameterError =>
      new InvalidParameterError(`sysctl "${name}" ${why}`)
    // it becomes a path below /proc/sys
    if (!/^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)+$/.test(name)) throw invalid('is not a valid name')
    const dotted = name.replaceAll('/', '.')
    if (dotted.startsWith('net.')) {
      if (NetworkMode === 'host') throw invalid('not allowed in host network namespace')
    } else if (IPC.has(dotted) || dotted.startsWith('fs.mqueue.')) {
      if (IpcMode === 'host') throw invalid('is not allowed in the hosts ipc namespace')
    } else if (dotted === 'kernel.domainname') {
      if (UTSMode === 'host') throw invalid('is not allowed in the hosts uts namespace')
    } else {
      throw invalid('is not in a separate kernel namespace')
    }
  }
}
