import { closeSync, constants } from 'node:fs'
import { errnoOfError, O_PATH, openBeneath, readlinkat, statat } from '../native/fs.ts'
import { getxattrAt } from '../native/xattr.ts'
import type { StatAt } from '../native/fs.ts'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFCHR, O_NOFOLLOW } = constants
const MAX_LINKS = 40

/** What a name means in merged directories; its descriptors (O_PATH) are whoever's asked for it. */
export type Found =
  /** `isCut`: what is below the last of its layers does not show through. */
  | { kind: 'dir'; stat: StatAt; fds: number[]; isCut: boolean }
  | { kind: 'file'; stat: StatAt; fd: number }
  | { kind: 'link'; stat: StatAt; fd: number }

/**
 * Finds a path in merged layers as overlayfs would: topmost first, whiteouts and opaque directories hide what is below.
 * Each component is opened on its own and never followed, since a running container may swap it meanwhile.
 *
 * @param roots O_PATH descriptors, topmost first; they stay open
 * @returns an O_PATH descriptor of what is not a directory; undefined when there is none
 * @see Documentation/filesystems/overlayfs.rst
 */
export function lookUpMerged(roots: readonly number[], file: string): number | undefined {
  const pending = file.split('/').reverse()
  /** The merged directories on the way, each in the layers that have it. */
  const stack: number[][] = [[...roots]]
  let links = 0
  try {
    for (;;) {
      const name = pending.pop()
      if (name === undefined) return undefined
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (stack.length > 1) closeAll(stack.pop())
        continue
      }
      const found = findMerged(stack.at(-1) ?? [], Buffer.from(name))
      if (found === undefined) return undefined
      if (found.kind === 'dir') {
        stack.push(found.fds)
        continue
      }
      if (found.kind === 'file') {
        // a file with something after it is a path to nothing
        if (pending.every((rest) => rest === '')) return found.fd
        closeSync(found.fd)
        return undefined
      }
      const target = targetOf(found.fd)
      if (++links > MAX_LINKS) return undefined
      if (target.startsWith('/')) while (stack.length > 1) closeAll(stack.pop())
      pending.push(...target.split('/').reverse())
    }
  } finally {
    while (stack.length > 1) closeAll(stack.pop())
  }
}

/** One name in merged directories, topmost first. */
export function findMerged(directories: readonly number[], name: Buffer): Found | undefined {
  const fds: number[] = []
  let top: StatAt | undefined
  let isCut = false
  for (const directory of directories) {
    let fd: number
    try {
      fd = openBeneath(directory, name, O_PATH | O_NOFOLLOW)
    } catch (error) {
      if (errnoOfError(error) === 'ENOENT') continue
      closeAll(fds)
      throw error
    }
    const stat = statat(fd, '')
    if (stat && (stat.mode & S_IFMT) === S_IFDIR) {
      fds.push(fd)
      top ??= stat
      // one that was renamed shows what is below its old name; nothing that is read here is
      const isMoved = getxattrAt(fd, '', 'trusted.overlay.redirect') !== undefined
      isCut = isOpaque(fd) || isMoved
      if (isCut) break
      continue
    }
    // below a directory of that name another kind of file is hidden
    if (fds.length > 0 || !stat || isWhiteout(stat)) {
      closeSync(fd)
      isCut = true
      break
    }
    return { kind: (stat.mode & S_IFMT) === S_IFLNK ? 'link' : 'file', stat, fd }
  }
  return top ? { kind: 'dir', stat: top, fds, isCut } : undefined
}

/** A character device 0/0: what is below by this name is hidden. */
export function isWhiteout(stat: StatAt): boolean {
  return (stat.mode & S_IFMT) === S_IFCHR && stat.rdevMajor === 0 && stat.rdevMinor === 0
}

/** A directory that hides what is below it. */
export function isOpaque(fd: number): boolean {
  return getxattrAt(fd, '', 'trusted.overlay.opaque')?.toString('latin1') === 'y'
}

export function closeFound(found: Found | undefined): void {
  if (found) closeAll(found.kind === 'dir' ? found.fds : [found.fd])
}

function targetOf(link: number): string {
  try {
    return readlinkat(link, '').toString('utf8')
  } finally {
    closeSync(link)
  }
}

function closeAll(fds: readonly number[] | undefined): void {
  for (const fd of fds ?? []) closeSync(fd)
}
