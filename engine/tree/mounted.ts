import fs from 'node:fs'
import { EngineError } from '../errors.ts'
import {
  errnoOfError,
  O_PATH,
  openat2,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
} from '../native/fs.ts'
import { bytesOf } from '../tar/header.ts'
import { namesIn } from './read-tree.ts'

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants
/** A descriptor is open for each. */
const MAX_DEPTH = 512

/**
 * Whether something is mounted over a name. To be asked before the name is removed or put something else in the place of: from
 * another mount namespace than the container's the kernel does both, and takes the mount away there.
 *
 * @param name bytes as latin1
 */
export function isMounted(directory: number, name: string): boolean {
  const fd = openHere(directory, name, O_PATH | O_NOFOLLOW)
  if (typeof fd === 'number') fs.closeSync(fd)
  return fd === 'mounted'
}

/** Whether something is mounted over a name or anywhere below. Blocks: for worker threads. */
export function holdsMount(directory: number, name: string, depth = 0): boolean {
  if (depth > MAX_DEPTH)
    throw new EngineError('SYSTEM', `directories are nested deeper than ${String(MAX_DEPTH)}`)
  if (isMounted(directory, name)) return true
  const fd = openHere(directory, name, O_PATH | O_NOFOLLOW | O_DIRECTORY)
  if (typeof fd !== 'number') return fd === 'mounted'
  try {
    return namesIn(fd).some((below) => holdsMount(fd, below, depth + 1))
  } finally {
    fs.closeSync(fd)
  }
}

/** @returns undefined when it is not there, or no directory when one is wanted */
function openHere(directory: number, name: string, flags: number): number | 'mounted' | undefined {
  try {
    return openat2(directory, bytesOf(name), flags, RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS)
  } catch (error) {
    const errno = errnoOfError(error)
    if (errno === 'EXDEV') return 'mounted'
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') return undefined
    throw error
  }
}
