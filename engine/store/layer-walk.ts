import { closeSync, constants } from 'node:fs'
import {
  O_PATH,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  statat,
} from '../native/fs.ts'
import { getxattrAt } from '../native/xattr.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf } from '../tar/header.ts'
import { isDirectory } from '../tree/look-up.ts'
import { namesIn } from '../tree/read-tree.ts'
import { isWhiteout } from './merged.ts'

/** O_PATH descriptors of an image's layers, bottom first; the last is the one that is looked at. */
export type LayerRoots = readonly number[]

/** A directory as the layer that is looked at has it, and those below. */
export interface LayerDirectory {
  /** Bytes as latin1, without a slash at its start; '' of the root. */
  path: string
  /** Whether the layer has it. When not, all in it is what the layer removes. */
  isOwn: boolean
  /** The layer shows nothing of what is below: it is opaque, or something above it is. */
  hidesBelow: boolean
  /** Numbers of the layers below that have a part in it, topmost first. */
  below: number[]
}

/** One name whose meaning the layer changes. */
export interface LayerEntry {
  name: string
  mark: 'added' | 'modified' | 'removed'
  /** Of what the layer has; of what it removes, of what that was. */
  stat: StatAt
  /** The file below that is seen no more, and the number of its layer. */
  hidden: { stat: StatAt; layer: number } | undefined
  /** The directory to go on with. */
  directory: LayerDirectory | undefined
  /** A directory below that is seen no more, because something else took its name. */
  hiddenDirectory: LayerDirectory | undefined
}

type Below =
  | { kind: 'file'; stat: StatAt; layer: number }
  | { kind: 'directory'; stat: StatAt; layers: number[] }

/** Where a walk begins. */
export function layerRoot(roots: LayerRoots): LayerDirectory {
  const own = roots.length - 1
  const below = roots.map((_, layer) => layer).reverse()
  const hidesBelow = isOpaqueAt(roots[own] ?? -1, '.')
  return { path: '', isOwn: true, hidesBelow, below: below.slice(1) }
}

/**
 * What the layer changes in one directory, in the order of names: added, put in place of something below (modified), or
 * removed from it by a whiteout or an opaque directory. Only this directory is open meanwhile, in each layer that has it,
 * and no link is followed, so neither deep trees nor hostile ones cost descriptors or lead out. Layers are written by
 * nobody once they are unpacked.
 *
 * Blocks: for worker threads.
 *
 * @see Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 */
export function entriesIn(roots: LayerRoots, at: LayerDirectory): LayerEntry[] {
  return withOpen(roots, at, (own, below) => {
    const names = own === undefined ? [] : namesIn(own)
    const gone = own === undefined || at.hidesBelow ? namesBelow(below, names) : []
    return [
      ...names.flatMap((name) => ownEntry(own ?? -1, below, at, name) ?? []),
      ...gone.flatMap((name) => removedEntry(findBelow(below, name), at, name) ?? []),
    ].sort((a, b) => (a.name < b.name ? -1 : 1))
  })
}

/** What the layer changes of these names only, in their order: no others are looked at, however many there are. */
export function entriesNamed(
  roots: LayerRoots,
  at: LayerDirectory,
  names: readonly string[],
): LayerEntry[] {
  return withOpen(roots, at, (own, below) =>
    names.flatMap((name) => {
      if (own !== undefined && statat(own, bytesOf(name)))
        return ownEntry(own, below, at, name) ?? []
      const isGone = own === undefined || at.hidesBelow
      return isGone ? (removedEntry(findBelow(below, name), at, name) ?? []) : []
    }),
  )
}

function withOpen<T>(
  roots: LayerRoots,
  at: LayerDirectory,
  act: (own: number | undefined, below: OpenBelow) => T,
): T {
  const open: number[] = []
  const openIn = (layer: number): number => {
    const fd = openat2(roots[layer] ?? -1, at.path === '' ? '.' : bytesOf(at.path), FLAGS, RESOLVE)
    open.push(fd)
    return fd
  }
  try {
    const own = at.isOwn ? openIn(roots.length - 1) : undefined
    return act(
      own,
      at.below.map((layer) => ({ layer, fd: openIn(layer) })),
    )
  } finally {
    for (const fd of open) closeSync(fd)
  }
}

const FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW
const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS

type OpenBelow = readonly { layer: number; fd: number }[]

function ownEntry(
  own: number,
  below: OpenBelow,
  at: LayerDirectory,
  name: string,
): LayerEntry | undefined {
  const stat = statat(own, bytesOf(name))
  if (!stat) return undefined
  const old = findBelow(below, name)
  if (isWhiteout(stat)) return removedEntry(old, at, name)
  const path = pathOf(at, name)
  const isDir = isDirectory(stat)
  return {
    name,
    mark: old === undefined ? 'added' : 'modified',
    stat,
    hidden: old?.kind === 'file' ? old : undefined,
    directory: isDir
      ? {
          path,
          isOwn: true,
          hidesBelow: at.hidesBelow || isOpaqueAt(own, bytesOf(name)),
          below: old?.kind === 'directory' ? old.layers : [],
        }
      : undefined,
    hiddenDirectory: old?.kind === 'directory' && !isDir ? removedDirectory(old, path) : undefined,
  }
}

/** @returns nothing when nothing was there to be removed */
function removedEntry(
  old: Below | undefined,
  at: LayerDirectory,
  name: string,
): LayerEntry | undefined {
  if (old === undefined) return undefined
  return {
    name,
    mark: 'removed',
    stat: old.stat,
    hidden: old.kind === 'file' ? old : undefined,
    directory: old.kind === 'directory' ? removedDirectory(old, pathOf(at, name)) : undefined,
    hiddenDirectory: undefined,
  }
}

function removedDirectory(old: { layers: number[] }, path: string): LayerDirectory {
  return { path, isOwn: false, hidesBelow: false, below: old.layers }
}

/** What a name means in merged directories, topmost first. */
function findBelow(below: OpenBelow, name: string): Below | undefined {
  const bytes = bytesOf(name)
  const layers: number[] = []
  let top: StatAt | undefined
  for (const { layer, fd } of below) {
    const stat = statat(fd, bytes)
    if (!stat) continue
    if (!isDirectory(stat)) {
      // below a directory of that name another kind of file is hidden
      if (top !== undefined || isWhiteout(stat)) break
      return { kind: 'file', stat, layer }
    }
    top ??= stat
    layers.push(layer)
    if (isOpaqueAt(fd, bytes)) break
  }
  return top === undefined ? undefined : { kind: 'directory', stat: top, layers }
}

/** Names in directories below beside those given; each once. */
function namesBelow(below: OpenBelow, besides: readonly string[]): string[] {
  const names = new Set(below.flatMap(({ fd }) => namesIn(fd)))
  for (const name of besides) names.delete(name)
  return [...names]
}

function pathOf(at: LayerDirectory, name: string): string {
  return at.path === '' ? name : `${at.path}/${name}`
}

function isOpaqueAt(directory: number, name: Buffer | string): boolean {
  return getxattrAt(directory, name, 'trusted.overlay.opaque')?.toString('latin1') === 'y'
}
