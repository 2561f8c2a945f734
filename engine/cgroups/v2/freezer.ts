import fs from 'node:fs'
import { SystemError } from '../../errors.ts'
import { readControl, writeControl } from '../files.ts'
import { waitUntil } from '../wait.ts'

const TIMEOUT_MS = 10_000

/**
 * Stops or resumes every process below and returns once the kernel says so.
 *
 * @returns false when this kernel has no v2 freezer (before Linux 5.2)
 * @throws SYSTEM when a process cannot be frozen in time; all run again then
 * @see cgroup.freeze and cgroup.events, Documentation/admin-guide/cgroup-v2.rst
 */
export async function freezeV2(directory: string, frozen: boolean): Promise<boolean> {
  const file = `${directory}/cgroup.freeze`
  if (!fs.existsSync(file)) return false
  writeControl(file, frozen ? '1' : '0')
  const wanted = `frozen ${frozen ? '1' : '0'}`
  const isReached = (): boolean =>
    readControl(`${directory}/cgroup.events`)?.includes(wanted) ?? true
  if (await waitUntil(isReached, TIMEOUT_MS)) return true
  writeControl(file, '0')
  throw new SystemError('freeze', 16, 'EBUSY', directory)
}

/**
 * Sends SIGKILL to everything below at once, so that no fork escapes.
 *
 * @returns false when this kernel cannot (before Linux 5.14)
 */
export function killV2(directory: string): boolean {
  const file = `${directory}/cgroup.kill`
  if (!fs.existsSync(file)) return false
  writeControl(file, '1')
  return true
}
