import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import { errnoOfError, O_PATH, openat2, readlinkat, RESOLVE_NO_MAGICLINKS } from '../native/fs.ts'
import { statat } from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf, textOf } from '../tar/header.ts'
import { isKernelFileSystem } from './kernel-file-systems.ts'

const { S_IFMT, S_IFDIR, S_IFLNK, O_NOFOLLOW } = fs.constants

/** As many as the kernel follows. @see path_resolution(7) */
const MAX_LINKS = 40

/** An open directory (O_PATH) on the way down from a root. */
export interface Level {
  fd: number
  /** Bytes as latin1; '' of the root. */
  name: string
  stat: StatAt
  /** A file system of the kernel: to who copies it is empty. */
  isKernels: boolean
}

/** The first level of all that is looked up below a root. It stays the caller's to close. */
export function rootLevel(root: number): Level {
  return { fd: root, name: '', stat: statOf(root, '/'), isKernels: false }
}

/**
 * Finds a path below a root that others may be changing at the same moment.
 *
 * Every component is opened on its own and none is ever followed by the kernel: links are read and walked here, `..` goes
 * back along the descriptors that led here. So whatever is renamed or swapped meanwhile, all that is reached lies below
 * the root or once did.
 *
 * @param start levels from the root down to where a relative path begins; they stay open
 * @param path bytes as latin1; a slash at its end makes a link in the last place be followed
 * @param follow also follow a link in the last place
 * @throws INVALID_PARAMETER "…: not a directory" and "…: too many levels of symbolic links"
 */
export function lookUp(start: readonly Level[], path: string, follow: boolean): Place {
  const place = new Place(start)
  try {
    walk(place, path, follow)
    return place
  } catch (error) {
    place.close()
    throw error
  }
}

/** What a path leads to. */
export class Place {
  /** From the root down to the directory that holds it, or is it. */
  readonly levels: Level[]
  /** What is no directory: O_PATH descriptor and status. Undefined for a directory, and for what is missing. */
  entry: { fd: number; name: string; stat: StatAt } | undefined
  /** The part of the path, from the last level on, that there is not. */
  missing: string[] = []
  /** So many of `levels` were given. */
  #borrowed: number

  constructor(start: readonly Level[]) {
    this.levels = [...start]
    this.#borrowed = start.length
  }

  get directory(): Level {
    const level = this.levels.at(-1)
    if (!level) throw new Error('a place without its root')
    return level
  }

  /** Descriptor of what is there. */
  get fd(): number {
    return this.entry?.fd ?? this.directory.fd
  }

  get stat(): StatAt {
    return this.entry?.stat ?? this.directory.stat
  }

  /** As the container names it, without links as far as there is something. */
  get path(): string {
    const names = this.levels.slice(1).map(({ name }) => name)
    if (this.entry) names.push(this.entry.name)
    return `/${[...names, ...this.missing].join('/')}`
  }

  enter(level: Level): void {
    this.levels.push(level)
  }

  leave(): void {
    if (this.levels.length === 1) return
    const level = this.levels.pop()
    if (this.levels.length < this.#borrowed) this.#borrowed = this.levels.length
    else if (level) fs.closeSync(level.fd)
  }

  close(): void {
    for (const { fd } of this.levels.splice(this.#borrowed)) fs.closeSync(fd)
    if (this.entry) fs.closeSync(this.entry.fd)
    this.entry = undefined
  }
}

/** Opens an entry of a directory, following nothing; undefined when there is none. */
export function openEntry(
  directory: number,
  name: string,
): { fd: number; stat: StatAt } | undefined {
  let fd: number
  try {
    fd = openat2(directory, bytesOf(name), O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS)
  } catch (error) {
    if (errnoOfError(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return { fd, stat: statOf(fd, name) }
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

/** An opened directory as the next level below another. */
export function levelOf(above: Level, fd: number, name: string, stat: StatAt): Level {
  const isKernels = stat.dev === above.stat.dev ? above.isKernels : isKernelFileSystem(fd)
  return { fd, name, stat, isKernels }
}

export function isDirectory(stat: StatAt): boolean {
  return (stat.mode & S_IFMT) === S_IFDIR
}

function walk(place: Place, path: string, follow: boolean): void {
  const pending = componentsOf(place, path)
  let links = 0
  for (;;) {
    const name = pending.pop()
    if (name === undefined) return
    if (name === '' || name === '.') continue
    if (name === '..') {
      place.leave()
      continue
    }
    const above = place.directory
    const found = above.isKernels ? undefined : openEntry(above.fd, name)
    if (!found) {
      place.missing = [name, ...pending.reverse().filter((rest) => rest !== '' && rest !== '.')]
      return
    }
    if (isDirectory(found.stat)) {
      place.enter(levelOf(above, found.fd, name, found.stat))
      continue
    }
    const isLink = (found.stat.mode & S_IFMT) === S_IFLNK
    if (!isLink || (pending.length === 0 && !follow)) {
      place.entry = { name, ...found }
      if (pending.length === 0) return
      throw new InvalidParameterError(`lstat ${textOf(path)}: not a directory`)
    }
    const target = targetOf(found.fd)
    if (++links > MAX_LINKS) {
      throw new InvalidParameterError(`lstat ${textOf(path)}: too many levels of symbolic links`)
    }
    pending.push(...componentsOf(place, target))
  }
}

/** A path's components, the last first. One that is absolute begins at the root. */
function componentsOf(place: Place, path: string): string[] {
  if (path.startsWith('/')) while (place.levels.length > 1) place.leave()
  return path.split('/').reverse()
}

function targetOf(link: number): string {
  try {
    return readlinkat(link, '').toString('latin1')
  } finally {
    fs.closeSync(link)
  }
}

function statOf(fd: number, name: string): StatAt {
  const stat = statat(fd, '')
  if (!stat) throw new Error(`stat ${textOf(name)}: it has gone`)
  return stat
}
