import fs from 'node:fs'
import path from 'node:path'
import { DIRECTORY, errnoOfError, openBeneath, statat, utimensat } from '../native/fs.ts'
import { removeTreeAt } from '../native/trees.ts'
import { bytesOf } from '../tar/header.ts'

/**
 * Removes files and trees from a tree; the directories that they are in keep their times. Blocks: for worker threads.
 *
 * @param names relative, in latin1; fine when there is none
 */
export function removeNames(root: string, names: readonly string[]): void {
  const top = fs.openSync(root, DIRECTORY)
  try {
    for (const name of names) removeName(top, name)
  } finally {
    fs.closeSync(top)
  }
}

function removeName(top: number, name: string): void {
  const parent = openParent(top, path.posix.dirname(name))
  if (parent === undefined) return
  try {
    const before = statat(parent, '')
    removeTreeAt(parent, bytesOf(path.posix.basename(name)))
    if (before) utimensat(parent, '', before.mtimeSeconds, before.mtimeNanos)
  } finally {
    fs.closeSync(parent)
  }
}

function openParent(top: number, directory: string): number | undefined {
  try {
    return openBeneath(top, bytesOf(directory), DIRECTORY)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOfError(error) ?? '')) return undefined
    throw error
  }
}
