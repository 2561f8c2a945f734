import fs from 'node:fs'
import path from 'node:path'
import { SystemError } from '../errors.ts'
import { MNT_DETACH, mount, MS_NODEV, MS_NOEXEC, MS_NOSUID, umount } from '../native/mount.ts'
import type { HostConfig } from '../types/docker.ts'

export const DEFAULT_SHM_BYTES = 64 << 20
const EINVAL = 22

/**
 * A shareable container's /dev/shm lives on the host, below its runtime directory, where the containers that join its
 * IPC namespace can bind it too: a mount cannot be taken out of another mount namespace.
 *
 * @param runDir the container's runtime directory
 * @param hostConfig its size
 * @param owner root of the container, as the host counts
 * @returns its path, for SpecInput.shmPath of the container and of those that join it
 */
export function openSharedMemory(
  runDir: string,
  hostConfig: Pick<HostConfig, 'ShmSize'>,
  owner?: { uid: number; gid: number },
): string {
  const target = sharedMemoryPath(runDir)
  // left from a killed engine: it may have another size
  closeSharedMemory(runDir)
  fs.mkdirSync(target, { mode: 0o700 })
  const size = hostConfig.ShmSize ? hostConfig.ShmSize : DEFAULT_SHM_BYTES
  try {
    mount(
      'shm',
      target,
      'tmpfs',
      MS_NOSUID | MS_NODEV | MS_NOEXEC,
      `mode=1777,size=${String(size)},uid=${String(owner?.uid ?? 0)},gid=${String(owner?.gid ?? 0)}`,
    )
  } catch (error) {
    fs.rmdirSync(target)
    throw error
  }
  return target
}

export function sharedMemoryPath(runDir: string): string {
  return path.join(runDir, 'shm')
}

/** Takes it away again; fine when it is not there. Those who have it bound keep it. */
export function closeSharedMemory(runDir: string): void {
  const target = sharedMemoryPath(runDir)
  if (!fs.existsSync(target)) return
  try {
    umount(target, MNT_DETACH)
  } catch (error) {
    // made, but not mounted yet when the engine was killed
    if (!(error instanceof SystemError) || error.errno !== EINVAL) throw error
  }
  fs.rmdirSync(target)
}
