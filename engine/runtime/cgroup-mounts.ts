import path from 'node:path'
import { readMounts } from '../mountinfo.ts'
import type { OciMount } from '../types/oci-runtime.ts'
import type { FlatMount } from './mount-options.ts'
import { MountKind, MS, parseMount } from './mount-options.ts'

interface Hierarchy {
  /** Directory on the host where it is mounted. */
  mountPoint: string
  version: 1 | 2
  /** `cpu,cpuacct` or `name=systemd`; empty for version 2. */
  options: string
}

export interface CgroupView {
  /** With a namespace of its own the container's cgroup is the root of what it sees. */
  ownNamespace: boolean
  /** The cgroup.procs files that the container enters. */
  procs: string[]
}

const RDONLY_ATTR = 0x1

/** They do not change while a host is up. */
let known: Hierarchy[] | undefined

/**
 * The steps that make up a mount of type `cgroup`: one file system on a cgroup v2 host, a tmpfs with one mount for each
 * hierarchy where version 1 is.
 */
export function cgroupMounts(mount: OciMount, view: CgroupView): FlatMount[] {
  known ??= findHierarchies()
  const hierarchies = known
  const flat = parseMount({ ...mount, type: 'cgroup' })
  const only = hierarchies[0]
  if (only && hierarchies.every(({ version }) => version === 2)) {
    return [
      view.ownNamespace
        ? { ...flat, type: 'cgroup2', source: 'cgroup' }
        : bound(flat, only.mountPoint, flat.target),
    ]
  }
  const readonly = (flat.flags & MS.RDONLY) !== 0
  const base: FlatMount = {
    ...flat,
    source: 'cgroup',
    type: 'tmpfs',
    flags: (flat.flags & ~(MS.RDONLY | MS.RELATIME)) | MS.NOSUID | MS.NODEV | MS.NOEXEC,
    propagation: 0,
    data: 'mode=755',
  }
  const steps = hierarchies.flatMap((hierarchy) => hierarchyMounts(hierarchy, flat, view))
  const close: FlatMount = {
    ...base,
    kind: MountKind.change,
    flags: 0,
    attrSet: RDONLY_ATTR,
    propagation: flat.propagation,
  }
  return [base, ...steps, ...(readonly ? [close] : [])]
}

function hierarchyMounts(hierarchy: Hierarchy, flat: FlatMount, view: CgroupView): FlatMount[] {
  const name = path.basename(hierarchy.mountPoint)
  const target = path.join(flat.target, name)
  const mounted: FlatMount = view.ownNamespace
    ? {
        ...flat,
        target,
        source: 'cgroup',
        type: hierarchy.version === 2 ? 'cgroup2' : 'cgroup',
        propagation: 0,
        data: hierarchy.options,
      }
    : bound(flat, directoryIn(hierarchy, view.procs), target)
  // cpu and cpuacct, mounted together, are found under either name
  const links = name.includes(',') ? name.split(',') : []
  return [
    mounted,
    ...links.map((link) => ({ ...flat, link: name, target: path.join(flat.target, link) })),
  ]
}

function directoryIn({ mountPoint }: Hierarchy, procs: string[]): string {
  const own = procs.find((file) => file.startsWith(`${mountPoint}/`))
  return own === undefined ? mountPoint : path.dirname(own)
}

function bound(flat: FlatMount, source: string, target: string): FlatMount {
  return {
    ...flat,
    kind: MountKind.bind,
    source,
    target,
    type: '',
    flags: MS.REC,
    // MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC have the same bits as attributes
    attrSet: flat.flags & (MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC),
    propagation: MS.PRIVATE | MS.REC,
    data: '',
  }
}

/** The cgroup file systems of this host, at their usual places. */
function findHierarchies(): Hierarchy[] {
  const found = new Map<string, Hierarchy>()
  for (const { point, superOptions, type } of readMounts()) {
    if (!/^\/sys\/fs\/cgroup(\/[^/]+)?$/.test(point)) continue
    if (type === 'cgroup2') found.set(point, { mountPoint: point, version: 2, options: '' })
    if (type === 'cgroup')
      found.set(point, { mountPoint: point, version: 1, options: hierarchyOptions(superOptions) })
  }
  return [...found.values()]
}

/** What tells a version 1 hierarchy: its controllers, or its name when it has none. */
function hierarchyOptions(superOptions: string[]): string {
  const kept = superOptions
    .filter(
      (option) =>
        !/^(rw|ro|xattr|clone_children|noprefix|cpuset_v2_mode|favordynmods)$/.test(option),
    )
    .filter((option) => !option.startsWith('release_agent='))
  const named = kept.find((option) => option.startsWith('name='))
  const controllers = kept.filter((option) => !option.startsWith('name='))
  return named === undefined
    ? controllers.join(',')
    : [...(controllers.length ? controllers : ['none']), named].join(',')
}
