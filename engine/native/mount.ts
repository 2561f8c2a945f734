import { check, native } from './addon.ts'

interface MountCalls {
  mount(
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ): number
  umount(target: string, flags: number): number
  rootOf(namespace: number): number
  mountFrom(
    directory: string,
    source: string,
    target: string,
    type: string,
    flags: number,
    data: string,
  ): number
}

/** @see mount(2), include/uapi/linux/mount.h */
export const MS_RDONLY = 0x1
export const MS_NOSUID = 0x2
export const MS_NODEV = 0x4
export const MS_NOEXEC = 0x8
export const MS_SYNCHRONOUS = 0x10
export const MS_REMOUNT = 0x20
export const MS_DIRSYNC = 0x80
export const MS_NOSYMFOLLOW = 0x100
export const MS_NOATIME = 0x400
export const MS_NODIRATIME = 0x800
export const MS_BIND = 0x1000
export const MS_MOVE = 0x2000
export const MS_REC = 0x4000
export const MS_SILENT = 0x8000
export const MS_UNBINDABLE = 0x20000
export const MS_PRIVATE = 0x40000
export const MS_SLAVE = 0x80000
export const MS_SHARED = 0x100000
export const MS_RELATIME = 0x200000
export const MS_STRICTATIME = 0x1000000

/** @see umount2(2) */
export const MNT_FORCE = 1
export const MNT_DETACH = 2
export const UMOUNT_NOFOLLOW = 8

/**
 * Mounts a file system, or changes a mount.
 *
 * @throws SystemError with the target as its path
 */
export function mount(
  source: string | null,
  target: string,
  type: string | null,
  flags = 0,
  data: string | null = null,
): void {
  check('mount', native<MountCalls>().mount(source, target, type, flags, data), target)
}

/** mount(2) with its own working directory: paths in `data` may be relative to it. */
export function mountFrom(
  directory: string,
  source: string,
  target: string,
  type: string,
  flags: number,
  data: string,
): void {
  check(
    'mount',
    native<MountCalls>().mountFrom(directory, source, target, type, flags, data),
    target,
  )
}

/**
 * Takes the topmost mount off a directory or file.
 *
 * @throws SystemError, EINVAL when nothing is mounted there
 */
export function umount(target: string, flags = 0): void {
  check('umount', native<MountCalls>().umount(target, flags), target)
}

/**
 * What is mounted at the root of a mount namespace, on a mount of its own: nothing that is mounted over parts of it is
 * seen there, and it outlives the namespace. The caller closes it.
 *
 * @param namespace a descriptor of it
 * @see open_tree(2), OPEN_TREE_CLONE
 */
export function rootOfNamespace(namespace: number): number {
  return check('open_tree', native<MountCalls>().rootOf(namespace))
}
