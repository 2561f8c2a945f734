import fs from 'node:fs'
import { DIRECTORY } from '../native/fs.ts'
import { removeTreeAt } from '../native/trees.ts'
import { bytesOf, textOf } from '../tar/header.ts'
import type { IgnoreRules } from '../tree/ignore-rules.ts'
import { isDirectory, openEntry } from '../tree/look-up.ts'
import { namesIn } from '../tree/read-tree.ts'

/** Removes from a tree what rules leave out of it. Blocks: for worker threads. */
export function removeIgnored(root: string, rules: IgnoreRules): void {
  const fd = fs.openSync(root, DIRECTORY)
  try {
    clear(fd, '', rules)
  } finally {
    fs.closeSync(fd)
  }
}

/** @returns whether nothing is left in it */
function clear(directory: number, prefix: string, rules: IgnoreRules): boolean {
  let isEmpty = true
  for (const name of namesIn(directory)) {
    const path = `${prefix}${name}`
    const isOut = rules.excludes(textOf(path))
    const entry = openEntry(directory, name)
    if (!entry) continue
    try {
      const mayHoldMore = isDirectory(entry.stat) && (!isOut || rules.hasExceptions)
      const isLeftEmpty = mayHoldMore && clear(entry.fd, `${path}/`, rules)
      if (isOut && (!mayHoldMore || isLeftEmpty)) removeTreeAt(directory, bytesOf(name))
      else isEmpty = false
    } finally {
      fs.closeSync(entry.fd)
    }
  }
  return isEmpty
}
