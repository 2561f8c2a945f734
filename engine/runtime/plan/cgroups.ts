import fs from 'node:fs'
import path from 'node:path'

/** CGROUP_* of protocol.h. */
export const CgroupFlag = { v2: 1, byRuntime: 2 } as const

/** A hierarchy's type is told by a file that only v2 has in every cgroup but the root. */
export function isCgroup2(procs: string): boolean {
  // as the cgroup above it, which many have in common
  const parent = path.dirname(path.dirname(procs))
  const known = hierarchies.get(parent)
  if (known !== undefined) return known
  const isV2 = fs.existsSync(path.join(path.dirname(procs), 'cgroup.controllers'))
  if (!isV2 && !fs.existsSync(procs)) return false
  if (hierarchies.size >= MOST_PARENTS) hierarchies.clear()
  hierarchies.set(parent, isV2)
  return isV2
}

const MOST_PARENTS = 256
const hierarchies = new Map<string, boolean>()
