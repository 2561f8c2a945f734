import { constants } from 'node:fs'
import { check, errnoName, native } from './addon.ts'
import { SystemError } from '../errors.ts'

/** A path: a string is UTF-8, a Buffer any bytes but NUL. */
export type PathBytes = string | Buffer

interface FsCalls {
  openat2(dirfd: number, path: PathBytes, flags: number, mode: number, resolve: number): number
  mkdirat(dirfd: number, path: PathBytes, mode: number): number
  mknodat(dirfd: number, path: PathBytes, mode: number, major: number, minor: number): number
  symlinkat(target: PathBytes, dirfd: number, path: PathBytes): number
  linkat(from: number, old: PathBytes, to: number, path: PathBytes, flags: number): number
  unlinkat(dirfd: number, path: PathBytes, flags: number): number
  renameat2(from: number, old: PathBytes, to: number, path: PathBytes, flags: number): number
  fchownat(dirfd: number, path: PathBytes, uid: number, gid: number, flags: number): number
  fchmodat(dirfd: number, path: PathBytes, mode: number): number
  utimensat(
    dirfd: number,
    path: PathBytes,
    atime: number,
    atimeNanos: number,
    mtime: number,
    mtimeNanos: number,
    flags: number,
  ): number
  statat(dirfd: number, path: PathBytes, flags: number, out: Float64Array): number
  readlinkat(dirfd: number, path: PathBytes): Buffer | number
  createFile(
    dirfd: number,
    path: PathBytes,
    data: Buffer,
    mode: number,
    uid: number,
    gid: number,
    mtime: number,
    mtimeNanos: number,
  ): number
}

const calls = (): FsCalls => native<FsCalls>()

/** What Node's constants leave out. @see openat(2), openat2(2) */
export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_REMOVEDIR = 0x200
export const AT_EMPTY_PATH = 0x1000
export const O_PATH = 0x200000
export const RESOLVE_NO_XDEV = 0x01
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_BENEATH = 0x08
export const RESOLVE_IN_ROOT = 0x10
/** renameat2(2) */
export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2

/** @see openat2(2) */
export function openat2(
  dirfd: number,
  path: PathBytes,
  flags: number,
  resolve: number,
  mode = 0,
): number {
  return check('openat2', calls().openat2(dirfd, path, flags, mode, resolve), shown(path))
}

/**
 * Opens a path as a process chrooted to `root` would: absolute links and `..` stay inside, magic links are refused.
 *
 * @param flags O_* of open(2); O_CLOEXEC is always added
 * @returns a descriptor that the caller closes
 */
export function openInRoot(root: number, path: PathBytes, flags: number, mode = 0): number {
  return openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, mode)
}

/** As openInRoot, for what may well not be there: undefined then, or when it cannot be opened, without the cost of an error. */
export function findInRoot(root: number, path: PathBytes, flags: number): number | undefined {
  const rc = calls().openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
  return rc < 0 ? undefined : rc
}

/** Opens a path that must not lead out of the directory, by links or `..` either (EXDEV when it does). */
export function openBeneath(directory: number, path: PathBytes, flags: number, mode = 0): number {
  return openat2(directory, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, mode)
}

/** Opens a directory for *at calls only. */
export const DIRECTORY = O_PATH | constants.O_DIRECTORY

export function mkdirat(dirfd: number, path: PathBytes, mode = 0o777): void {
  check('mkdir', calls().mkdirat(dirfd, path, mode), shown(path))
}

/** @param mode with the type, S_IFCHR and so on; the umask takes from it */
export function mknodat(dirfd: number, path: PathBytes, mode: number, major = 0, minor = 0): void {
  check('mknod', calls().mknodat(dirfd, path, mode, major, minor), shown(path))
}

export function symlinkat(target: PathBytes, dirfd: number, path: PathBytes): void {
  check('symlink', calls().symlinkat(target, dirfd, path), shown(path))
}

/** Follows no link in the last component. */
export function linkat(from: number, existing: PathBytes, to: number, path: PathBytes): void {
  check('link', calls().linkat(from, existing, to, path, 0), shown(path))
}

export function unlinkat(dirfd: number, path: PathBytes, flags = 0): void {
  check('unlink', calls().unlinkat(dirfd, path, flags), shown(path))
}

export function renameat(
  from: number,
  old: PathBytes,
  to: number,
  path: PathBytes,
  flags = 0,
): void {
  check('rename', calls().renameat2(from, old, to, path, flags), shown(path))
}

/** Follows no link. With an empty path: the descriptor's own file. */
export function fchownat(dirfd: number, path: PathBytes, uid: number, gid: number): void {
  check('chown', calls().fchownat(dirfd, path, uid, gid, unfollowed(path)), shown(path))
}

/** Follows a symbolic link: only for what is known to be none. */
export function fchmodat(dirfd: number, path: PathBytes, mode: number): void {
  check('chmod', calls().fchmodat(dirfd, path, mode), shown(path))
}

/** Sets access and modification time; follows no link. With an empty path: of the descriptor's own file. */
export function utimensat(dirfd: number, path: PathBytes, seconds: number, nanos: number): void {
  const rc = calls().utimensat(dirfd, path, seconds, nanos, seconds, nanos, unfollowed(path))
  check('utimens', rc, shown(path))
}

export interface StatAt {
  mode: number
  uid: number
  gid: number
  size: number
  dev: number
  ino: number
  nlink: number
  rdevMajor: number
  rdevMinor: number
  mtimeSeconds: number
  mtimeNanos: number
  /** Of 512 bytes. */
  blocks: number
}

const statFields = new Float64Array(12)

/**
 * Status of a file; follows no link. With an empty path: of the descriptor's own file.
 *
 * @returns undefined when it is not there
 */
export function statat(dirfd: number, path: PathBytes): StatAt | undefined {
  const rc = calls().statat(dirfd, path, unfollowed(path), statFields)
  if (errnoOf(rc) === 'ENOENT' || errnoOf(rc) === 'ENOTDIR') return undefined
  check('stat', rc, shown(path))
  const [mode, uid, gid, size, dev, ino, nlink, rdevMajor, rdevMinor, mtimeSeconds, mtimeNanos, blocks] =
    statFields as unknown as [
      number, number, number, number, number, number, number, number, number, number, number, number,
    ] // prettier-ignore
  return {
    mode,
    uid,
    gid,
    size,
    dev,
    ino,
    nlink,
    rdevMajor,
    rdevMinor,
    mtimeSeconds,
    mtimeNanos,
    blocks,
  }
}

/** Target of a symbolic link. With an empty path: of the link that an O_PATH descriptor is. */
export function readlinkat(dirfd: number, path: PathBytes): Buffer {
  return bytesOrThrow('readlink', calls().readlinkat(dirfd, path), shown(path))
}

/** Makes a whole regular file with its owner, mode and time, in one call. It must not exist. */
export function createFileAt(
  dirfd: number,
  path: PathBytes,
  data: Buffer,
  owner: { mode: number; uid: number; gid: number; mtimeSeconds: number; mtimeNanos: number },
): void {
  const { mode, uid, gid, mtimeSeconds, mtimeNanos } = owner
  check(
    'create',
    calls().createFile(dirfd, path, data, mode, uid, gid, mtimeSeconds, mtimeNanos),
    shown(path),
  )
}

/** The errno's symbol of a failed system call, made here or by Node; undefined for other errors. */
export function errnoOfError(error: unknown): string | undefined {
  if (error instanceof SystemError) return errnoName(error.errno)
  const { errno, code } = (error ?? {}) as NodeJS.ErrnoException
  return typeof errno === 'number' ? code : undefined
}

/** Whether a system call failed so, made here or by Node. */
export function isErrno(error: unknown, ...names: string[]): boolean {
  const errno = errnoOfError(error)
  return errno !== undefined && names.includes(errno)
}

/** The errno's symbol of a call of the addon that failed. */
export function errnoOf(rc: number): string | undefined {
  return rc < 0 ? errnoName(-rc) : undefined
}

/** What a call of the addon has read, or its failure. */
export function bytesOrThrow(syscall: string, value: Buffer | number, about: string): Buffer {
  if (typeof value !== 'number') return value
  check(syscall, value, about)
  return Buffer.alloc(0)
}

function unfollowed(path: PathBytes): number {
  return AT_SYMLINK_NOFOLLOW | (path.length === 0 ? AT_EMPTY_PATH : 0)
}

/** A path for messages. */
export function shown(path: PathBytes): string {
  return typeof path === 'string' ? path : path.toString('utf8')
}
