import fs from 'node:fs'
import { InvalidParameterError, UnavailableError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Cgroup, Cgroups } from '../cgroup.ts'
import { makeCgroup, readControl, readProcs, removeCgroup, writeControl } from '../files.ts'
import { openShelter, SHELTER } from '../shelter.ts'
import { CgroupV2 } from './cgroup.ts'

/** In this order in `cgroup.subtree_control`; those the kernel lacks are left out. */
const WANTED = ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb']
/** Where processes go that stand in the way, as Docker-in-Docker does it. */
const LEAF = 'init'
const NOT_CONTAINERS = new Set([LEAF, SHELTER])

/** The cgroups of a host with v2 alone. */
export function openCgroupsV2({ parent, root }: { parent: string; root: string }): Cgroups {
  const directory = `${root}/${parent}`
  let ready = false

  return {
    version: 2,
    controllers: controllersOf(root),
    create(id, resources) {
      if (!ready) makeParents(root, parent)
      ready = true
      return create(open(id), resources)
    },
    open,
    shelter: openShelter({ unified: root, v1: [] }, parent),
    list() {
      try {
        const entries = fs.readdirSync(directory, { withFileTypes: true })
        return entries
          .filter((entry) => entry.isDirectory() && !NOT_CONTAINERS.has(entry.name))
          .map((entry) => entry.name)
      } catch {
        // no container was ever started
        return []
      }
    },
    async removeAll() {
      for (const id of this.list()) {
        const cgroup = open(id)
        await cgroup.kill()
        await cgroup.remove()
      }
      removeCgroup(directory)
      ready = false
    },
  }

  function open(id: string): CgroupV2 {
    return new CgroupV2(`/${parent}/${id}`, `${directory}/${id}`)
  }
}

function create(cgroup: CgroupV2, resources: OciResources): Cgroup {
  const { directory } = cgroup
  // one that is left from a killed engine may have old limits
  if (!makeCgroup(directory)) {
    if (!removeCgroup(directory))
      throw new InvalidParameterError(`cgroup ${directory} exists and holds processes`)
    makeCgroup(directory)
  }
  try {
    cgroup.apply(resources)
    return cgroup
  } catch (error) {
    removeCgroup(directory)
    throw error
  }
}

/** A cgroup has the controllers that every one above it hands down. */
function makeParents(root: string, parent: string): void {
  let above = root
  for (const part of parent.split('/')) {
    enableControllers(above)
    above = `${above}/${part}`
    makeCgroup(above)
  }
  const type = readControl(`${above}/cgroup.type`)?.trim() ?? 'domain'
  if (type !== 'domain') {
    throw new UnavailableError(`${above} is a ${type} cgroup, which cannot hold containers`)
  }
  enableControllers(above)
}

function enableControllers(directory: string): void {
  const enabled = words(readControl(`${directory}/cgroup.subtree_control`))
  for (const controller of controllersOf(directory)) {
    if (enabled.has(controller)) continue
    try {
      enableController(directory, controller)
    } catch {
      // one that cannot be handed down (cpu beside realtime processes, say) is missing below: `controllers` tells,
      // and a limit that needs it is refused by name
    }
  }
}

/**
 * Only a cgroup without processes of its own hands controllers down, but for the real root: within a container, or with
 * the engine itself in the parent, its processes move to a leaf first.
 * @see "No Internal Process Constraint", Documentation/admin-guide/cgroup-v2.rst
 */
function enableController(directory: string, controller: string): void {
  const file = `${directory}/cgroup.subtree_control`
  try {
    writeControl(file, `+${controller}`)
  } catch (error) {
    if ((error as { errno?: number }).errno !== EBUSY) throw error
    const leaf = `${directory}/${LEAF}`
    makeCgroup(leaf)
    for (const pid of readProcs(directory)) {
      try {
        writeControl(`${leaf}/cgroup.procs`, String(pid))
      } catch {
        // ended meanwhile, or a kernel thread that may not move: the next write tells
      }
    }
    writeControl(file, `+${controller}`)
  }
}

const EBUSY = 16

function controllersOf(directory: string): ReadonlySet<string> {
  const available = words(readControl(`${directory}/cgroup.controllers`))
  return new Set(WANTED.filter((name) => available.has(name)))
}

function words(text = ''): Set<string> {
  return new Set(text.trim().split(/\s+/).filter(Boolean))
}
