import { closeSync, openSync } from 'node:fs'
import type { FileListing, FilePage, RemovedFile } from '../contract/files.ts'
import { errorCode } from '../errors.ts'
import {
  DIRECTORY,
  errnoOfError,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
  statat,
} from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf, nameOf, textOf } from '../tar/header.ts'
import { eachName, MOST_NAMES } from '../tree/list-directory.ts'
import { directoryAt, layerFileKind } from './layer-list.ts'
import { entriesNamed } from './layer-walk.ts'
import type { LayerDirectory, LayerEntry, LayerRoots } from './layer-walk.ts'
import { isMountPoint } from './mount-points.ts'

const MOST_REMOVED = 1000
/** So many names of a directory are looked at to find out whether something in it differs. */
const MOST_PROBED = 100

/** Directories of a container's layers. */
export interface WritableLayers {
  upper: string
  /** Topmost first. */
  lower: readonly string[]
}

/**
 * A listing with what on its page differs from the image, and on the first page what of the image is gone. A container may
 * be changing its layer at the same moment: what is not found then is not marked.
 *
 * Blocks: for worker threads.
 *
 * @param path of the directory, bytes as latin1
 */
export function withMarks(
  listing: FileListing,
  { lower, upper }: WritableLayers,
  path: string,
  page: FilePage,
): FileListing {
  const roots: number[] = []
  try {
    for (const tree of [...lower].reverse().concat(upper)) roots.push(openSync(tree, DIRECTORY))
    const at = directoryAt(roots, path)
    return { ...listing, ...marked(roots, at, listing), removed: removedIn(roots, at, page) }
  } catch (error) {
    // nothing of it is in the layer, or it has gone meanwhile
    if (errorCode(error) === 'NOT_FOUND' || errnoOfError(error) !== undefined) return listing
    throw error
  } finally {
    for (const fd of roots) closeSync(fd)
  }
}

function marked(
  roots: LayerRoots,
  at: LayerDirectory,
  { files }: FileListing,
): Pick<FileListing, 'files'> {
  const names = files.filter(({ addressable }) => addressable).map(({ name }) => nameOf(name))
  const marks = new Map(
    entriesNamed(roots, at, names)
      .filter((entry) => isChange(roots, at, entry, true))
      .map(({ mark, name }) => [textOf(name), mark]),
  )
  return {
    files: files.map((file) => {
      const mark = file.addressable ? marks.get(file.name) : undefined
      return mark === 'added' || mark === 'modified' ? { ...file, mark } : file
    }),
  }
}

function removedIn(roots: LayerRoots, at: LayerDirectory, page: FilePage): RemovedFile[] {
  if ((page.offset ?? 0) > 0) return []
  const wanted = (page.filter ?? '').toLowerCase()
  if (at.below.length === 0) return []
  // a directory that was made anew hides all that was below it, and has no whiteouts for it
  const entries = entriesNamed(
    roots,
    at,
    at.hidesBelow ? namesBelow(roots, at) : whiteoutsIn(roots, at),
  )
  return entries
    .filter(({ mark, name }) => mark === 'removed' && textOf(name).toLowerCase().includes(wanted))
    .slice(0, MOST_REMOVED)
    .map(({ name, stat }) => ({ name: textOf(name), kind: layerFileKind(stat) }))
}

/** Names that may be whiteouts by their type. @see Documentation/filesystems/overlayfs.rst */
function whiteoutsIn(roots: LayerRoots, at: LayerDirectory): string[] {
  const names: string[] = []
  withDirectory(roots.at(-1), at, (fd) => {
    eachName(fd, MOST_NAMES, (entry) => {
      if (entry.isCharacterDevice()) names.push(entry.name)
    })
  })
  return names.sort()
}

function namesBelow(roots: LayerRoots, at: LayerDirectory): string[] {
  const names = new Set<string>()
  for (const layer of at.below) {
    withDirectory(roots[layer], at, (fd) => {
      eachName(fd, MOST_NAMES, ({ name }) => void names.add(name))
    })
  }
  return [...names].sort()
}

/** @param isShown look into a directory that overlayfs has copied up, maybe for what is in it */
function isChange(
  roots: LayerRoots,
  at: LayerDirectory,
  { directory, hidden, mark, name, stat }: LayerEntry,
  isShown: boolean,
): boolean {
  if (mark === 'added') return !isMountPoint(at.path === '' ? name : `${at.path}/${name}`, stat)
  if (mark === 'removed') return true
  // a file that was opened for writing, and not written
  if (hidden) return !isSame(stat, hidden.stat, [...OWNER, 'size', 'mtimeSeconds', 'mtimeNanos'])
  if (!isShown || !directory || directory.hidesBelow) return true
  const [layer] = directory.below
  const below = statat(roots[layer ?? -1] ?? -1, bytesOf(directory.path))
  return !below || !isSame(stat, below, OWNER) || holdsChange(roots, directory)
}

function holdsChange(roots: LayerRoots, directory: LayerDirectory): boolean {
  let found = false
  const isAll = withDirectory(roots.at(-1), directory, (fd) =>
    eachName(fd, MOST_PROBED, ({ name }) => {
      found = entriesNamed(roots, directory, [name]).some((entry) =>
        isChange(roots, directory, entry, false),
      )
      return !found
    }),
  )
  return found || !isAll
}

function withDirectory<T>(root: number | undefined, at: LayerDirectory, act: (fd: number) => T): T {
  const path = at.path === '' ? '.' : bytesOf(at.path)
  const fd = openat2(root ?? -1, path, DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)
  try {
    return act(fd)
  } finally {
    closeSync(fd)
  }
}

const OWNER = ['mode', 'uid', 'gid'] as const

function isSame(one: StatAt, other: StatAt, fields: readonly (keyof StatAt)[]): boolean {
  return fields.every((field) => one[field] === other[field])
}
