import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import type { OciResources } from '../../types/oci-runtime.ts'
import type { Cgroup, Cgroups } from '../cgroup.ts'
import { makeCgroup, readControl, removeCgroup, tryWriteControl, writeControl } from '../files.ts'
import { openShelter, SHELTER } from '../shelter.ts'
import { CgroupV1 } from './cgroup.ts'
import { favorDynamicModifications } from './dynamic-modifications.ts'

export interface HierarchiesV1 {
  parent: string
  hierarchies: { controllers: string[]; root: string }[]
  /** The v2 tree of a hybrid host. */
  unified?: string | undefined
}

/** The cgroups of a host with v1 hierarchies. */
export function openCgroupsV1({ hierarchies, parent, unified }: HierarchiesV1): Cgroups {
  const roots = [
    ...hierarchies.map(({ root }) => root),
    ...(unified === undefined ? [] : [unified]),
  ]
  const parents = roots.map((root) => `${root}/${parent}`)
  let ready = false

  return {
    version: 1,
    controllers: new Set(hierarchies.flatMap(({ controllers }) => controllers)),
    create(id, resources) {
      if (!ready) makeParents({ hierarchies, parent, unified })
      ready = true
      return create(open(id), resources)
    },
    open,
    shelter: openShelter({ unified, v1: hierarchies }, parent),
    list() {
      const ids = parents.flatMap((directory) => subdirectories(directory))
      return [...new Set(ids)]
    },
    async removeAll() {
      for (const id of this.list()) {
        const cgroup = open(id)
        await cgroup.kill()
        await cgroup.remove()
      }
      for (const directory of parents) removeCgroup(directory)
      ready = false
    },
  }

  function open(id: string): CgroupV1 {
    return new CgroupV1({ path: `/${parent}/${id}`, hierarchies, unified })
  }
}

function create(cgroup: CgroupV1, resources: OciResources): Cgroup {
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
    cgroup.apply(resources)
    return cgroup
  } catch (error) {
    for (const directory of made.reverse()) removeCgroup(directory)
    throw error
  }
}

function makeParents({ hierarchies, parent, unified }: HierarchiesV1): void {
  for (const { controllers, root } of hierarchies) {
    let above = root
    for (const part of parent.split('/')) {
      const directory = `${above}/${part}`
      makeCgroup(directory)
      if (controllers.includes('cpuset')) inheritCpuset(above, directory)
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
  if (unified === undefined) return
  fs.mkdirSync(`${unified}/${parent}`, { recursive: true })
  favorDynamicModifications(unified)
}

/** A v1 cpuset is born empty and takes no process before it has CPUs and memory nodes; its children then copy it. */
function inheritCpuset(above: string, directory: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readControl(`${directory}/${file}`)?.trim() !== '') continue
    writeControl(`${directory}/${file}`, (readControl(`${above}/${file}`) ?? '').trim())
  }
  writeControl(`${directory}/cgroup.clone_children`, '1')
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
