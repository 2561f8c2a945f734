import { closeSync, constants, openSync } from 'node:fs'
import type { LayerFile } from '../contract/image-layers.ts'
import { NotFoundError } from '../errors.ts'
import {
  DIRECTORY,
  openat2,
  readlinkat,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf, textOf } from '../tar/header.ts'
import { isDirectory } from '../tree/look-up.ts'
import { entriesIn, entriesNamed, layerRoot } from './layer-walk.ts'
import type { LayerDirectory, LayerEntry, LayerRoots } from './layer-walk.ts'

const { S_IFMT, S_IFREG, S_IFLNK } = constants

export interface LayerListing {
  /** Directories first, in the order of names. */
  files: LayerFile[]
  /** How many there are in all. */
  total: number
}

/**
 * What a layer changes in one directory. The way there leads through directories only: a link leads nowhere.
 *
 * Blocks: for worker threads.
 *
 * @param trees directories of the layers, bottom first; the last is the one that is looked at
 * @param path bytes as latin1
 * @throws NOT_FOUND when the layer changes nothing at that path, or it is no directory
 */
export function listLayer(
  trees: readonly string[],
  path: string,
  page: { offset: number; limit: number },
): LayerListing {
  const roots: number[] = []
  try {
    for (const tree of trees) roots.push(openSync(tree, DIRECTORY))
    const at = directoryAt(roots, path)
    const entries = entriesIn(roots, at)
    const ordered = [...entries.filter(isBranch), ...entries.filter((entry) => !isBranch(entry))]
    const shown = ordered.slice(page.offset, page.offset + page.limit)
    return { files: shown.map((entry) => fileOf(roots, at, entry)), total: ordered.length }
  } finally {
    for (const fd of roots) closeSync(fd)
  }
}

/** @throws NOT_FOUND when the layer changes nothing at that path, or it is no directory */
export function directoryAt(roots: LayerRoots, path: string): LayerDirectory {
  let at = layerRoot(roots)
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue
    const [entry] = entriesNamed(roots, at, [name])
    if (!entry?.directory)
      throw new NotFoundError(`the layer changes no directory ${textOf(path) || '/'}`)
    at = entry.directory
  }
  return at
}

function isBranch({ directory }: LayerEntry): boolean {
  return directory !== undefined
}

function fileOf(roots: LayerRoots, at: LayerDirectory, entry: LayerEntry): LayerFile {
  const { mark, name, stat } = entry
  const kind = layerFileKind(stat)
  const layer = mark === 'removed' ? entry.hidden?.layer : roots.length - 1
  return {
    name: textOf(name),
    kind,
    mark,
    sizeBytes: kind === 'file' ? stat.size : 0,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    modified: stat.mtimeSeconds,
    hardLinks: kind === 'file' ? stat.nlink : 1,
    ...(kind === 'link' && layer !== undefined
      ? { linkTarget: targetOf(roots[layer] ?? -1, at.path, name) }
      : {}),
    ...(entry.hidden && mark === 'modified' ? { previousBytes: entry.hidden.stat.size } : {}),
  }
}

export function layerFileKind(stat: StatAt): LayerFile['kind'] {
  if (isDirectory(stat)) return 'directory'
  const type = stat.mode & S_IFMT
  return type === S_IFREG ? 'file' : type === S_IFLNK ? 'link' : 'special'
}

function targetOf(root: number, path: string, name: string): string {
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS
  const directory = openat2(root, path === '' ? '.' : bytesOf(path), DIRECTORY, resolve)
  try {
    return readlinkat(directory, bytesOf(name)).toString('utf8')
  } finally {
    closeSync(directory)
  }
}
