import { SystemError } from '../../errors.ts'
import { readControl, writeControl } from '../files.ts'
import { waitUntil } from '../wait.ts'

const TIMEOUT_MS = 10_000

/**
 * @throws SYSTEM when a process cannot be frozen in time; all run again then
 * @see Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst
 */
export async function setFreezer(directory: string, frozen: boolean): Promise<void> {
  const file = `${directory}/freezer.state`
  const wanted = frozen ? 'FROZEN' : 'THAWED'
  writeControl(file, wanted)
  const isReached = (): boolean => {
    const state = readControl(file)?.trim()
    if (state === wanted || state === undefined) return true
    // a process that forked meanwhile may keep it FREEZING until it is written again
    writeControl(file, wanted)
    return false
  }
  if (await waitUntil(isReached, TIMEOUT_MS)) return
  writeControl(file, 'THAWED')
  throw new SystemError('freeze', 16, 'EBUSY', directory)
}
