import { InvalidParameterError } from '../errors.ts'
import type { MountPart, OciMount } from '../types/oci-runtime.ts'

/** @see mount(2), include/uapi/linux/mount.h */
export const MS = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  SYNCHRONOUS: 0x10,
  MANDLOCK: 0x40,
  DIRSYNC: 0x80,
  NOSYMFOLLOW: 0x100,
  NOATIME: 0x400,
  NODIRATIME: 0x800,
  REC: 0x4000,
  SILENT: 0x8000,
  UNBINDABLE: 0x20000,
  PRIVATE: 0x40000,
  SLAVE: 0x80000,
  SHARED: 0x100000,
  RELATIME: 0x200000,
  STRICTATIME: 0x1000000,
  LAZYTIME: 0x2000000,
} as const

/** MOUNT_ATTR_*. @see mount_setattr(2) */
const ATTR = {
  RDONLY: 0x1,
  NOSUID: 0x2,
  NODEV: 0x4,
  NOEXEC: 0x8,
  ATIME: 0x70,
  NOATIME: 0x10,
  STRICTATIME: 0x20,
  NODIRATIME: 0x80,
  NOSYMFOLLOW: 0x200000,
} as const

/** As in engine/native/shim/protocol.h. */
export const MountKind = { fs: 0, bind: 1, change: 2, image: 3 } as const

/** One step of the launch plan: a mount, a change of one, or (with `link`) a symbolic link. */
export interface FlatMount {
  kind: (typeof MountKind)[keyof typeof MountKind]
  source: string
  target: string
  type: string
  flags: number
  attrSet: number
  attrClear: number
  /** Attributes go down the whole tree. */
  recursive: boolean
  /** Of a bind into a user namespace: its owners are ids of the container. */
  idmap: boolean
  /** Of a bind: left out when its source is not there. */
  optional: boolean
  propagation: number
  data: string
  part?: MountPart | undefined
  link?: string
}

/** What an option does: to a new file system (flags) and to the attributes of a bind. */
interface Option {
  set?: number
  clear?: number
  attrSet?: number
  attrClear?: number
}

const OPTIONS = tableOf<Option>({
  defaults: {},
  ro: { set: MS.RDONLY, attrSet: ATTR.RDONLY },
  rw: { clear: MS.RDONLY, attrClear: ATTR.RDONLY },
  nosuid: { set: MS.NOSUID, attrSet: ATTR.NOSUID },
  suid: { clear: MS.NOSUID, attrClear: ATTR.NOSUID },
  nodev: { set: MS.NODEV, attrSet: ATTR.NODEV },
  dev: { clear: MS.NODEV, attrClear: ATTR.NODEV },
  noexec: { set: MS.NOEXEC, attrSet: ATTR.NOEXEC },
  exec: { clear: MS.NOEXEC, attrClear: ATTR.NOEXEC },
  nosymfollow: { set: MS.NOSYMFOLLOW, attrSet: ATTR.NOSYMFOLLOW },
  symfollow: { clear: MS.NOSYMFOLLOW, attrClear: ATTR.NOSYMFOLLOW },
  nodiratime: { set: MS.NODIRATIME, attrSet: ATTR.NODIRATIME },
  diratime: { clear: MS.NODIRATIME, attrClear: ATTR.NODIRATIME },
  // the three ways of access times are one field of the attributes, which is cleared to be set
  noatime: { set: MS.NOATIME, attrSet: ATTR.NOATIME, attrClear: ATTR.ATIME },
  atime: { clear: MS.NOATIME, attrClear: ATTR.ATIME },
  relatime: { set: MS.RELATIME, attrClear: ATTR.ATIME },
  norelatime: { clear: MS.RELATIME },
  strictatime: { set: MS.STRICTATIME, attrSet: ATTR.STRICTATIME, attrClear: ATTR.ATIME },
  nostrictatime: { clear: MS.STRICTATIME, attrClear: ATTR.ATIME },
})

/** Of a file system as a whole: they mean nothing to a bind. */
const FILE_SYSTEM_OPTIONS = tableOf<Option>({
  sync: { set: MS.SYNCHRONOUS },
  async: { clear: MS.SYNCHRONOUS },
  dirsync: { set: MS.DIRSYNC },
  mand: { set: MS.MANDLOCK },
  nomand: { clear: MS.MANDLOCK },
  silent: { set: MS.SILENT },
  loud: { clear: MS.SILENT },
  lazytime: { set: MS.LAZYTIME },
  nolazytime: { clear: MS.LAZYTIME },
})

const PROPAGATION = tableOf({
  private: MS.PRIVATE,
  shared: MS.SHARED,
  slave: MS.SLAVE,
  unbindable: MS.UNBINDABLE,
})

/** Options of other runtimes whose effect we do not have. */
const REFUSED = new Set(['tmpcopyup'])

/** Whether it is an option of any mount, rather than one for its file system. */
export function isMountFlag(option: string): boolean {
  return (
    OPTIONS.has(option) || FILE_SYSTEM_OPTIONS.has(option) || propagationOf(option) !== undefined
  )
}

/** MS_* of `rprivate` and its like, undefined for anything else. */
export function propagationOf(option: string): number | undefined {
  const plain = PROPAGATION.get(option)
  if (plain !== undefined) return plain
  const recursive = option.startsWith('r') ? PROPAGATION.get(option.slice(1)) : undefined
  return recursive === undefined ? undefined : recursive | MS.REC
}

/**
 * Sorts the options of a mount into flags, attributes, propagation and what is left to its file system.
 *
 * @throws INVALID_PARAMETER when a bind has an option that a bind cannot have
 * @see runtime-spec config.md, "Linux mount options"
 */
export function parseMount(mount: OciMount): FlatMount {
  const options = mount.options ?? []
  const bind = mount.type === 'bind' || options.includes('bind') || options.includes('rbind')
  const flat: FlatMount = {
    kind: mount.part?.image ? MountKind.image : bind ? MountKind.bind : MountKind.fs,
    source: mount.source ?? mount.type ?? 'none',
    target: mount.destination,
    type: bind ? '' : (mount.type ?? ''),
    flags: options.includes('rbind') ? MS.REC : 0,
    attrSet: 0,
    attrClear: 0,
    recursive: false,
    idmap: false,
    optional: false,
    // what is bound does not follow the host unless asked to, @see runtime-spec config.md, "rprivate"
    propagation: bind ? MS.PRIVATE | MS.REC : 0,
    data: '',
    part: mount.part,
  }
  if (!mount.destination.startsWith('/')) {
    throw new InvalidParameterError(
      `invalid mount path: '${mount.destination}' mount path must be absolute`,
    )
  }
  const data: string[] = []
  for (const option of options) applyOption(flat, option, data)
  if (bind && data.length > 0) {
    throw new InvalidParameterError(
      `mount of ${mount.destination}: invalid option "${data[0] ?? ''}" for a bind mount`,
    )
  }
  flat.data = data.join(',')
  return flat
}

function applyOption(flat: FlatMount, option: string, data: string[]): void {
  if (option === 'bind' || option === 'rbind') return
  if (REFUSED.has(option)) {
    throw new InvalidParameterError(`mount of ${flat.target}: option "${option}" is not supported`)
  }
  if (option === 'idmap' || option === 'ridmap') {
    // always of the whole tree that is bound, as `rbind` and `bind` say how much that is
    flat.idmap = true
    return
  }
  const propagation = propagationOf(option)
  if (propagation !== undefined) {
    flat.propagation = propagation
    return
  }
  const bind = flat.kind !== MountKind.fs
  const known = OPTIONS.get(option) ?? FILE_SYSTEM_OPTIONS.get(option)
  if (known) {
    if (bind) {
      flat.attrSet = (flat.attrSet & ~(known.attrClear ?? 0)) | (known.attrSet ?? 0)
      flat.attrClear = (flat.attrClear & ~(known.attrSet ?? 0)) | (known.attrClear ?? 0)
    } else {
      flat.flags = (flat.flags & ~(known.clear ?? 0)) | (known.set ?? 0)
    }
    return
  }
  // rro, rnosuid …: the same for every mount below
  const recursive = option.startsWith('r') ? OPTIONS.get(option.slice(1)) : undefined
  if (recursive) {
    flat.recursive = true
    flat.attrSet |= recursive.attrSet ?? 0
    flat.attrClear |= recursive.attrClear ?? 0
    return
  }
  data.push(option)
}

/** Asked by words that others choose, to which an object would also answer with what every object has. */
function tableOf<T>(entries: Record<string, T>): ReadonlyMap<string, T> {
  return new Map(Object.entries(entries))
}
