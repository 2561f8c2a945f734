import fs from 'node:fs'
import path from 'node:path'
import { readMounts } from '../mountinfo.ts'

/** Where a host has its cgroups mounted. */
export interface Hierarchies {
  /** Pure v2, or the v2 tree of a hybrid host. */
  unified?: string
  /** v1, each with the controllers that share it; a named one without controllers as `name=systemd`. */
  v1: { controllers: string[]; root: string }[]
}

/**
 * Finds the mounted hierarchies.
 *
 * @param root a directory to take for /sys/fs/cgroup, its subdirectories named by their controllers; without it,
 *   what the kernel says is mounted
 * @see cgroups(7)
 */
export function findHierarchies(root?: string): Hierarchies {
  if (root === undefined) return mountedHierarchies()
  if (fs.existsSync(path.join(root, 'cgroup.controllers'))) return { unified: root, v1: [] }
  const hierarchies: Hierarchies = { v1: [] }
  for (const name of fs.readdirSync(root)) {
    const directory = path.join(root, name)
    if (name === 'unified') hierarchies.unified = directory
    else
      hierarchies.v1.push({
        controllers: name === 'systemd' ? ['name=systemd'] : name.split(','),
        root: directory,
      })
  }
  return hierarchies
}

function mountedHierarchies(): Hierarchies {
  const hierarchies: Hierarchies = { v1: [] }
  const seen = new Set<string>()
  for (const { point, superOptions, type } of readMounts()) {
    if (type === 'cgroup2') hierarchies.unified ??= point
    if (type !== 'cgroup') continue
    const controllers = superOptions.filter(
      (option) => !NOT_CONTROLLERS.has(option) && !option.startsWith('release_agent='),
    )
    // a hierarchy may be mounted twice: the first place is as good as the second
    const key = controllers.join(',')
    if (controllers.length === 0 || seen.has(key)) continue
    seen.add(key)
    hierarchies.v1.push({ controllers, root: point })
  }
  return hierarchies
}

const NOT_CONTROLLERS = new Set([
  'rw',
  'ro',
  'xattr',
  'clone_children',
  'noprefix',
  'none',
  'cpuset_v2_mode',
  'favordynmods',
  'seclabel',
])
