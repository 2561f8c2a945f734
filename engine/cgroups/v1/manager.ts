import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Cgroup, Cgroups } from '../cgroup.ts'
import { makeCgroup, readControl, removeCgroup, tryWriteControl, writeControl } from '../files.ts'
import { MadeParents, waysUp } from '../parents.ts'
import { openShelter, SHELTER } from '../shelter.ts'
import { CgroupV1 } from './cgroup.ts'
import { inheritCpuset } from './cpuset.ts'
import { favorDynamicModifications } from './dynamic-modifications.ts'
import { grantRealtime } from './realtime.ts'

export interface HierarchiesV1 {
  /** The engine's own, without slashes at its ends. */
  parent: string
  hierarchies: { controllers: string[]; root: string }[]
  /** The v2 tree of a hybrid host. */
  unified?: string | undefined
  made?: MadeParents
}

/** The cgroups of a host with v1 hierarchies. */
export function openCgroupsV1({
  hierarchies,
  made = new MadeParents(),
  parent: own,
  unified,
}: HierarchiesV1): Cgroups {
  const roots = [
    ...hierarchies.map(({ root }) => root),
    ...(unified === undefined ? [] : [unified]),
  ]
  const ownParents = roots.map((root) => `${root}/${own}`)
  let ready = false

  return {
    version: 1,
    controllers: new Set(hierarchies.flatMap(({ controllers }) => controllers)),
    create(id, resources, parent = own) {
      try {
        prepare(parent)
        return create(open(id, parent), resources, { foreign: parent !== own })
      } catch (error) {
        tidy(parent)
        throw error
      }
    },
    open,
    shelter: openShelter({ unified, v1: hierarchies }, own),
    list() {
      const ids = ownParents.flatMap((directory) =>
        subdirectories(directory).filter((name) => !made.has(`${directory}/${name}`)),
      )
      return [...new Set(ids)]
    },
    async removeAll() {
      for (const id of new Set(ownParents.flatMap(subdirectories))) {
        const cgroup = open(id)
        await cgroup.kill()
        await cgroup.remove()
      }
      for (const directory of ownParents) removeCgroup(directory)
      ready = false
    },
  }

  function open(id: string, parent = own): CgroupV1 {
    return new CgroupV1({
      path: [...parent.split('/').filter(Boolean), id].map((part) => `/${part}`).join(''),
      hierarchies,
      unified,
      grantRealtime: (cpuRoot, directory, cpu) => {
        const parents = waysUp(cpuRoot, parent)
        const others = parents.findIndex((above) => parent !== own && !made.has(above))
        grantRealtime(others === -1 ? parents : parents.slice(0, others), directory, cpu)
      },
      removed: () => {
        tidy(parent)
      },
    })
  }

  function prepare(parent: string): void {
    if (parent === own && ready) return
    const make = (directory: string): void => {
      if (parent === own) makeCgroup(directory)
      else made.make(directory)
    }
    for (const hierarchy of hierarchies) makeParents(hierarchy, parent, own, make)
    if (unified !== undefined) {
      for (const directory of waysUp(unified, parent).reverse()) make(directory)
      if (!ready) favorDynamicModifications(unified)
    }
    if (parent === own) ready = true
  }

  function tidy(parent: string): void {
    if (parent !== own) made.removeEmpty(roots.flatMap((root) => waysUp(root, parent)))
  }
}

function create(
  cgroup: CgroupV1,
  resources: OciResources,
  { foreign }: { foreign: boolean },
): Cgroup {
  const made: string[] = []
  try {
    for (const directory of cgroup.directories) {
      // one that is left from a killed engine may have old limits
      if (!makeCgroup(directory)) {
        if (!removeCgroup(directory)) {
          throw new InvalidParameterError(`cgroup ${directory} exists and holds processes`)
        }
        makeCgroup(directory)
      }
      made.push(directory)
    }
    // a parent of others' does not hand its CPUs down by itself
    if (foreign) cgroup.inheritCpuset()
    cgroup.apply(resources)
    return cgroup
  } catch (error) {
    for (const directory of made.reverse()) removeCgroup(directory)
    throw error
  }
}

function makeParents(
  { controllers, root }: HierarchiesV1['hierarchies'][number],
  parent: string,
  own: string,
  make: (directory: string) => void,
): void {
  let above = root
  for (const directory of waysUp(root, parent).reverse()) {
    const isNew = !fs.existsSync(directory)
    make(directory)
    if (controllers.includes('cpuset')) {
      inheritCpuset(above, directory)
      // the engine's own may be there without it: from one that was killed right after it had made it
      if (isNew || directory === `${root}/${own}`) {
        writeControl(`${directory}/cgroup.clone_children`, '1')
      }
    }
    // before Linux 5.11 what runs in cgroups below was not counted unless this was said
    if (
      controllers.includes('memory') &&
      readControl(`${directory}/memory.use_hierarchy`)?.trim() === '0'
    ) {
      tryWriteControl(`${directory}/memory.use_hierarchy`, '1')
    }
    above = directory
  }
}

function subdirectories(directory: string): string[] {
  try {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== SHELTER)
      .map((entry) => entry.name)
  } catch {
    // no container was ever started
    return []
  }
}
