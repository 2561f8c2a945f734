import fs from 'node:fs'
import { InvalidParameterError, UnavailableError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Cgroup, Cgroups } from '../cgroup.ts'
import { makeCgroup, readControl, readProcs, removeCgroup, writeControl } from '../files.ts'
import { MadeParents, waysUp } from '../parents.ts'
import { openShelter, SHELTER } from '../shelter.ts'
import { CgroupV2 } from './cgroup.ts'

/** In this order in `cgroup.subtree_control`; those the kernel lacks are left out. */
const WANTED = ['cpuset', 'cpu', 'io', 'memory', 'pids', 'hugetlb']
/** Where processes go that stand in the way, as Docker-in-Docker does it. */
const LEAF = 'init'
const NOT_CONTAINERS = new Set([LEAF, SHELTER])

/** The cgroups of a host with v2 alone. */
export function openCgroupsV2({
  made = new MadeParents(),
  parent: own,
  root,
}: {
  /** The engine's own, without slashes at its ends. */
  parent: string
  root: string
  made?: MadeParents
}): Cgroups {
  const directory = `${root}/${own}`
  let ready = false

  return {
    version: 2,
    controllers: controllersOf(root),
    create(id, resources, parent = own) {
      try {
        if (parent !== own) makeParents(root, parent, made)
        else if (!ready) makeParents(root, own)
        if (parent === own) ready = true
        return create(open(id, parent), resources)
      } catch (error) {
        tidy(parent)
        throw error
      }
    },
    open,
    shelter: openShelter({ unified: root, v1: [] }, own),
    list() {
      return subdirectories(directory).filter((name) => !made.has(`${directory}/${name}`))
    },
    async removeAll() {
      for (const id of subdirectories(directory)) {
        const cgroup = open(id)
        await cgroup.kill()
        await cgroup.remove()
      }
      removeCgroup(directory)
      ready = false
    },
  }

  function open(id: string, parent = own): CgroupV2 {
    const path = [...parent.split('/').filter(Boolean), id].map((part) => `/${part}`).join('')
    return new CgroupV2(path, `${root}${path}`, () => {
      tidy(parent)
    })
  }

  function tidy(parent: string): void {
    if (parent !== own) made.removeEmpty(waysUp(root, parent))
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

/**
 * A cgroup has the controllers that every one above it hands down.
 *
 * @param made undefined for the engine's own, whose processes may be moved out of the way
 */
function makeParents(root: string, parent: string, made?: MadeParents): void {
  const clear = made === undefined ? moveToLeaf : refuse
  enableControllers(root, moveToLeaf)
  for (const directory of waysUp(root, parent).reverse()) {
    if (made) made.make(directory)
    else makeCgroup(directory)
    const type = readControl(`${directory}/cgroup.type`)?.trim() ?? 'domain'
    if (type !== 'domain') {
      throw new UnavailableError(`${directory} is a ${type} cgroup, which cannot hold containers`)
    }
    enableControllers(directory, clear)
  }
}

function enableControllers(directory: string, clear: (directory: string) => void): void {
  const file = `${directory}/cgroup.subtree_control`
  const enabled = words(readControl(file))
  for (const controller of controllersOf(directory)) {
    if (enabled.has(controller)) continue
    try {
      writeControl(file, `+${controller}`)
    } catch (error) {
      // one that cannot be handed down (cpu beside realtime processes, say) is missing below: `controllers` tells,
      // and a limit that needs it is refused by name
      if ((error as { errno?: number }).errno !== EBUSY) continue
      clear(directory)
      tryEnable(file, controller)
    }
  }
}

function tryEnable(file: string, controller: string): void {
  try {
    writeControl(file, `+${controller}`)
  } catch {
    // as above
  }
}

/**
 * Only a cgroup without processes of its own hands controllers down, but for the real root: within a container, or with
 * the engine itself in the parent, its processes move to a leaf first.
 * @see "No Internal Process Constraint", Documentation/admin-guide/cgroup-v2.rst
 */
function moveToLeaf(directory: string): void {
  const leaf = `${directory}/${LEAF}`
  makeCgroup(leaf)
  for (const pid of readProcs(directory)) {
    try {
      writeControl(`${leaf}/cgroup.procs`, String(pid))
    } catch {
      // ended meanwhile, or a kernel thread that may not move: the next write tells
    }
  }
}

/** The processes there are somebody else's. */
function refuse(directory: string): void {
  throw new InvalidParameterError(
    `cgroup-parent ${directory} has processes of its own, so that the kernel lets it limit nothing below it; take one without`,
  )
}

const EBUSY = 16

function controllersOf(directory: string): ReadonlySet<string> {
  const available = words(readControl(`${directory}/cgroup.controllers`))
  return new Set(WANTED.filter((name) => available.has(name)))
}

function subdirectories(directory: string): string[] {
  try {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !NOT_CONTAINERS.has(entry.name))
      .map((entry) => entry.name)
  } catch {
    // no container was ever started
    return []
  }
}

function words(text = ''): Set<string> {
  return new Set(text.trim().split(/\s+/).filter(Boolean))
}
