import { UnavailableError } from '../errors.ts'
import type { Cgroups } from './cgroup.ts'
import { findHierarchies } from './hierarchies.ts'
import { MadeParents } from './parents.ts'
import { openCgroupsV1 } from './v1/manager.ts'
import { openCgroupsV2 } from './v2/manager.ts'

export type { Cgroup, Cgroups } from './cgroup.ts'

/** Hierarchies of v1 without which containers cannot be limited or told apart. */
const NEEDED = ['memory', 'cpu', 'pids', 'devices']

/**
 * Opens the cgroups of this host for one engine: v2 where it has the controllers, else v1 (and a hybrid host's v2
 * tree beside it, for what v2 does better without controllers: killing and freezing).
 *
 * @param options.parent directory of the engine below each hierarchy's root, as `gantry`
 * @param options.root a directory in place of /sys/fs/cgroup
 * @param options.madeFile where it is kept which parents of containers the engine made itself
 * @throws UNAVAILABLE when no usable hierarchy is mounted
 */
export function openCgroups(options: {
  parent: string
  root?: string
  madeFile?: string
}): Cgroups {
  const { parent } = options
  const made = new MadeParents(options.madeFile)
  const { unified, v1 } = findHierarchies(options.root)
  const controllers = new Set(v1.flatMap((hierarchy) => hierarchy.controllers))
  if (NEEDED.some((name) => controllers.has(name)))
    return openCgroupsV1({ parent, hierarchies: v1, unified, made })
  if (unified !== undefined) return openCgroupsV2({ parent, root: unified, made })
  throw new UnavailableError('no cgroup hierarchy is mounted; mount cgroup2 at /sys/fs/cgroup')
}
