import fs from 'node:fs'
import { O_PATH, openBeneath, readlinkat, statat } from '../native/fs.ts'
import { bytesOf } from '../tar/header.ts'
import { namesIn } from '../tree/read-tree.ts'
import { closeFound, findMerged } from './merged.ts'
import type { Found } from './merged.ts'

const MAX_LINKS = 40

/** Where a path leads in merged layers. */
export interface MergedPlace {
  /** Names from the root down to what is there, links followed; bytes as latin1. */
  names: string[]
  /** The components behind it that there are not. */
  missing: string[]
  /** What is there when nothing is missing; its descriptors are the caller's. */
  found: Found | undefined
}

/**
 * Follows a path in merged layers, links too, as far as there is something; never out of the root.
 *
 * @param roots O_PATH descriptors, topmost first; they stay open
 * @param file bytes as latin1
 * @throws when a link leads in circles, or a file is taken for a directory
 */
export function placeInMerged(roots: readonly number[], file: string): MergedPlace {
  const pending = file.split('/').reverse()
  const names: string[] = []
  const stack: Found[] = [rootOf(roots)]
  let links = 0
  const up = (): void => {
    names.pop()
    closeFound(stack.pop())
  }
  try {
    for (;;) {
      const name = pending.pop()
      if (name === undefined) return { names, missing: [], found: stack.pop() }
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (names.length > 0) up()
        continue
      }
      const here = stack.at(-1)
      const found = here?.kind === 'dir' ? findMerged(here.fds, bytesOf(name)) : undefined
      if (here?.kind !== 'dir' || found === undefined) {
        if (here?.kind === 'file') throw new Error(`/${names.join('/')}: not a directory`)
        return { names, missing: missingOf(name, pending), found: undefined }
      }
      if (found.kind !== 'link') {
        names.push(name)
        stack.push(found)
        continue
      }
      const target = targetOf(found.fd)
      if (++links > MAX_LINKS) throw new Error(`${file}: too many levels of symbolic links`)
      if (target.startsWith('/')) while (names.length > 0) up()
      pending.push(...target.split('/').reverse())
    }
  } finally {
    stack.forEach(closeFound)
  }
}

/** What merged directories show, in the order of names. What is given to `act` is closed behind it. */
export function eachMerged(
  directories: readonly number[],
  act: (name: string, found: Found) => void,
): void {
  for (const name of mergedNames(directories)) {
    const found = findMerged(directories, bytesOf(name))
    if (!found) continue
    try {
      act(name, found)
    } finally {
      closeFound(found)
    }
  }
}

/** Names in merged directories, those that a whiteout hides among them. */
export function mergedNames(directories: readonly number[]): string[] {
  const [only, ...more] = directories
  if (only !== undefined && more.length === 0) return namesIn(only)
  return [...new Set(directories.flatMap(namesIn))].sort()
}

/** The O_PATH descriptor of what was found, of a directory the topmost layer's. */
export function topOf(found: Found): number {
  return found.kind === 'dir' ? (found.fds[0] ?? -1) : found.fd
}

function rootOf(roots: readonly number[]): Found {
  const fds = roots.map((root) => openBeneath(root, '.', O_PATH | fs.constants.O_DIRECTORY))
  const stat = statat(fds[0] ?? -1, '')
  if (!stat) throw new Error('a merged tree without layers')
  return { kind: 'dir', stat, fds, isCut: false }
}

function missingOf(name: string, pending: readonly string[]): string[] {
  const missing: string[] = []
  for (const one of [name, ...[...pending].reverse()]) {
    if (one === '..') missing.pop()
    else if (one !== '' && one !== '.') missing.push(one)
  }
  return missing
}

function targetOf(link: number): string {
  try {
    return readlinkat(link, '').toString('latin1')
  } finally {
    fs.closeSync(link)
  }
}
