import { closeSync, constants, openSync } from 'node:fs'
import { DIRECTORY } from '../native/fs.ts'
import { getxattrAt } from '../native/xattr.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf, textOf } from '../tar/header.ts'
import { isDirectory, openEntry } from '../tree/look-up.ts'
import { namesIn } from '../tree/read-tree.ts'
import type { FilesystemChange } from '../types/docker.ts'
import { closeFound, findMerged, isOpaque, isWhiteout } from './merged.ts'
import { isMountPoint } from './mount-points.ts'

const { S_IFMT, S_IFREG } = constants
const MODIFIED = 0
const ADDED = 1
const DELETED = 2

/**
 * What a writable layer changes of the layers below it, in the order of names, directories before what is in them.
 *
 * As Docker tells it: a directory counts as modified when something in it is, or its owner or mode; a file also by its size
 * and time, so one that was only opened for writing is not told. What is below something deleted is not told.
 *
 * Blocks: for worker threads.
 *
 * @param upper the writable layer's directory
 * @param lower those below, topmost first
 * @see GET /containers/{id}/changes
 */
export function layerChanges(upper: string, lower: readonly string[]): FilesystemChange[] {
  const fds: number[] = []
  const changes: FilesystemChange[] = []
  try {
    for (const directory of [upper, ...lower]) fds.push(openSync(directory, DIRECTORY))
    const [top = -1, ...below] = fds
    compare(top, below, '', false, changes)
    return changes
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

/** @param prefix the directory's path with a slash at its end, without one at its start; '' of the root */
function compare(
  upper: number,
  below: readonly number[],
  prefix: string,
  hidesBelow: boolean,
  changes: FilesystemChange[],
): void {
  const names = namesIn(upper)
  const all = hidesBelow ? withHidden(names, below) : names
  for (const name of all) {
    const found = openEntry(upper, name)
    if (!found) {
      // of an opaque directory: it was there below
      if (hidesBelow) tell(changes, DELETED, prefix + name)
      continue
    }
    try {
      compareEntry(found, name, below, prefix, changes)
    } finally {
      closeSync(found.fd)
    }
  }
}

function compareEntry(
  { fd, stat }: { fd: number; stat: StatAt },
  name: string,
  below: readonly number[],
  prefix: string,
  changes: FilesystemChange[],
): void {
  const path = prefix + name
  const old = below.length > 0 ? findMerged(below, bytesOf(name)) : undefined
  try {
    if (isWhiteout(stat)) {
      if (old) tell(changes, DELETED, path)
      return
    }
    const wasMade = !old && isMountPoint(path, stat)
    if (!old && !wasMade) {
      tell(changes, ADDED, path)
      if (isDirectory(stat)) compare(fd, [], `${path}/`, false, changes)
      return
    }
    const before = changes.length
    const oldFds = old?.kind === 'dir' ? old.fds : []
    if (isDirectory(stat)) {
      const hidesBelow = oldFds.length > 0 && isOpaque(fd)
      compare(fd, oldFds, `${path}/`, hidesBelow, changes)
    }
    const differs = old !== undefined && isDifferent(fd, stat, old)
    if (differs || changes.length > before)
      changes.splice(before, 0, { Path: `/${textOf(path)}`, Kind: MODIFIED })
  } finally {
    closeFound(old)
  }
}

/** The names in a directory, and those of the directories below it that it hides. */
function withHidden(names: string[], below: readonly number[]): string[] {
  const all = new Set(names)
  for (const name of new Set(below.flatMap(namesIn))) {
    if (all.has(name)) continue
    const found = findMerged(below, bytesOf(name))
    if (found) all.add(name)
    closeFound(found)
  }
  return [...all].sort()
}

function isDifferent(fd: number, stat: StatAt, old: NonNullable<ReturnType<typeof findMerged>>) {
  const was = old.stat
  if (stat.mode !== was.mode || stat.uid !== was.uid || stat.gid !== was.gid) return true
  if (stat.rdevMajor !== was.rdevMajor || stat.rdevMinor !== was.rdevMinor) return true
  if (!isDirectory(stat)) {
    const isSameTime = stat.mtimeSeconds === was.mtimeSeconds && stat.mtimeNanos === was.mtimeNanos
    if (!isSameTime || stat.size !== was.size) return true
  }
  if ((stat.mode & S_IFMT) !== S_IFREG || old.kind !== 'file') return false
  const capability = capabilityOf(fd)
  const wasCapable = capabilityOf(old.fd)
  return !capability.equals(wasCapable)
}

function capabilityOf(fd: number): Buffer {
  return getxattrAt(fd, '', 'security.capability') ?? Buffer.alloc(0)
}

function tell(changes: FilesystemChange[], Kind: 0 | 1 | 2, path: string): void {
  changes.push({ Path: `/${textOf(path)}`, Kind })
}
