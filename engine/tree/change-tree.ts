import fs from 'node:fs'
import { ConflictError, InvalidParameterError, NotFoundError } from '../errors.ts'
import { errnoOfError, fchownat, mkdirat, RENAME_NOREPLACE, renameat } from '../native/fs.ts'
import { removeTreeAt } from '../native/trees.ts'
import { openEntry } from './look-up.ts'
import type { IdMap } from '../native/netns.ts'
import { bytesOf, nameOf, textOf } from '../tar/header.ts'
import { ownerOnHost } from './id-map.ts'
import { lookUp } from './look-up.ts'
import type { Level, Place } from './look-up.ts'
import { holdsMount, isMounted } from './mounted.ts'
import { refusal } from './refusal.ts'
import { writeFile } from './write-file.ts'
import { checkKernels } from './write-tree.ts'

/** One change of a container's files. */
export type TreeChange =
  | { kind: 'write'; content: Uint8Array; version: string | undefined }
  | { kind: 'directory' }
  | { kind: 'rename'; name: string }
  | { kind: 'remove' }

/**
 * Makes one change below a root that others may be changing at the same moment. The way to the directory is walked by
 * look-up.ts; in it the name alone is acted on, and no link in its place is followed.
 *
 * Blocks: for worker threads.
 *
 * @param path bytes as latin1
 * @returns of a write the version of the file
 * @throws what engine/contract/files.ts says
 */
export function changeTree(
  root: Level,
  path: string,
  change: TreeChange,
  ids: IdMap | undefined,
): string | undefined {
  const place = lookUp([root], path, change.kind === 'write')
  try {
    switch (change.kind) {
      case 'write':
        return writeFile(place, change.content, change.version, ids)
      case 'directory':
        makeDirectory(place, ids)
        return undefined
      case 'rename':
        rename(place, change.name)
        return undefined
      case 'remove':
        remove(place)
        return undefined
    }
  } catch (error) {
    throw refusal(error, textOf(place.path))
  } finally {
    place.close()
  }
}

function makeDirectory(place: Place, ids: IdMap | undefined): void {
  const [name] = place.missing
  const shown = textOf(place.path)
  if (name === undefined) throw new ConflictError(`${shown} exists already`)
  if (place.missing.length > 1 || name === '..') throw new NotFoundError(`no such file: ${shown}`)
  const { directory } = place
  checkKernels(directory)
  mkdirat(directory.fd, bytesOf(name), 0o755)
  const made = openEntry(directory.fd, name)
  // removed again already by who runs in the container
  if (!made) return
  try {
    const { gid, uid } = ownerOnHost(ids, { uid: 0, gid: 0 })
    fchownat(made.fd, '', uid, gid)
    fs.chmodSync(`/proc/self/fd/${made.fd}`, 0o755)
  } finally {
    fs.closeSync(made.fd)
  }
}

function rename(place: Place, to: string): void {
  const { name, parent } = nameIn(place)
  if (to === '' || to === '.' || to === '..' || /[/\0]/.test(to))
    throw new InvalidParameterError(`${JSON.stringify(to)} is no name for a file`)
  if (isMounted(parent.fd, name)) throw mountedError(place)
  try {
    renameat(parent.fd, bytesOf(name), parent.fd, bytesOf(nameOf(to)), RENAME_NOREPLACE)
  } catch (error) {
    const errno = errnoOfError(error)
    if (errno === 'EEXIST') throw new ConflictError(`${to} exists already`, { cause: error })
    // overlayfs copies no directory up, however small: rename(2) has to be done by a copy
    if (errno === 'EXDEV') {
      throw new InvalidParameterError(
        `${textOf(place.path)} is a directory of the image, which cannot be renamed in a container`,
        { cause: error },
      )
    }
    throw error
  }
}

function remove(place: Place): void {
  const { name, parent } = nameIn(place)
  if (holdsMount(parent.fd, name)) throw mountedError(place)
  removeTreeAt(parent.fd, bytesOf(name))
}

/** What a place is called, and in which directory. @throws NOT_FOUND; INVALID_PARAMETER for the root */
function nameIn(place: Place): { parent: Level; name: string } {
  if (place.missing.length > 0) throw new NotFoundError(`no such file: ${textOf(place.path)}`)
  const parent = place.entry ? place.directory : place.levels.at(-2)
  if (!parent) throw new InvalidParameterError('the root directory stays what it is')
  checkKernels(parent)
  return { parent, name: place.entry?.name ?? place.directory.name }
}

function mountedError(place: Place): InvalidParameterError {
  return new InvalidParameterError(
    `something is mounted at or below ${textOf(place.path)}: that is changed with the container's mounts`,
  )
}
