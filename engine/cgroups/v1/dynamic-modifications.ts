import { readMounts } from '../../mountinfo.ts'
import {
  mount,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RELATIME,
  MS_REMOUNT,
} from '../../native/mount.ts'

const OPTION = 'favordynmods'
const FLAGS: Record<string, number> = {
  nosuid: MS_NOSUID,
  nodev: MS_NODEV,
  noexec: MS_NOEXEC,
  relatime: MS_RELATIME,
}

/**
 * Asks the kernel to make moves between cgroups cheap, at the price of slightly dearer forks.
 *
 * Entering a cgroup through cgroup.procs, the only way on v1, otherwise waits for an RCU grace period, 6 to 25 ms of
 * each start and each exec; with the option it takes 0.2 ms. It is one setting for the whole host, whichever root it is
 * set on, lasts until the next boot, and is Android's default. v2 alone does without: there a process is born in its
 * cgroup (CLONE_INTO_CGROUP).
 *
 * @returns false when the kernel does not know it (before Linux 6.0) or the host forbids it; all works then, slower
 * @see "favordynmods", Documentation/admin-guide/cgroup-v2.rst
 */
export function favorDynamicModifications(unified: string): boolean {
  const mounted = readMounts().find(({ point, type }) => point === unified && type === 'cgroup2')
  if (mounted === undefined) return false
  const options = mounted.superOptions.filter((option) => option !== 'rw' && option !== 'ro')
  if (options.includes(OPTION)) return true
  // a remount clears what it does not name
  const flags = mounted.options.reduce((bits, name) => bits | (FLAGS[name] ?? 0), 0)
  try {
    mount('cgroup2', unified, 'cgroup2', MS_REMOUNT | flags, [...options, OPTION].join(','))
    return true
  } catch {
    return false
  }
}
