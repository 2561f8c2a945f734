import { closeSync, constants, openSync } from 'node:fs'
import { DIRECTORY, fchmodat, fchownat, openInRoot, statat } from '../native/fs.ts'
import { bytesOf } from '../tar/header.ts'

/**
 * Directories that a layer's archive only implied take owner and mode from the nearest layer below that has them: overlayfs
 * shows the topmost one's.
 *
 * @param tree of the layer
 * @param below trees of the layers below, topmost first
 */
export function adoptDirectories(tree: string, implicit: string[], below: string[]): void {
  if (implicit.length === 0 || below.length === 0) return
  const top = openSync(tree, DIRECTORY)
  const roots: number[] = []
  try {
    for (const lower of below) roots.push(openSync(lower, DIRECTORY))
    for (const directory of implicit) {
      const name = directory === '' ? '.' : bytesOf(directory)
      const found = firstDirectory(roots, name)
      if (!found) continue
      const fd = openInRoot(top, name, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        fchownat(fd, '', found.uid, found.gid)
        fchmodat(fd, '.', found.mode & 0o7777)
      } finally {
        closeSync(fd)
      }
    }
  } finally {
    for (const fd of [top, ...roots]) closeSync(fd)
  }
}

function firstDirectory(
  roots: number[],
  name: Buffer | string,
): { uid: number; gid: number; mode: number } | undefined {
  for (const root of roots) {
    let fd: number
    try {
      fd = openInRoot(root, name, DIRECTORY)
    } catch {
      // not in this layer, or no directory there
      continue
    }
    try {
      return statat(fd, '')
    } finally {
      closeSync(fd)
    }
  }
  return undefined
}
