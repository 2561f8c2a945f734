import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { ConflictError, InvalidParameterError, NotFoundError } from '../errors.ts'
import {
  createFileAt,
  errnoOfError,
  openBeneath,
  renameat,
  RENAME_NOREPLACE,
  statat,
  unlinkat,
} from '../native/fs.ts'
import { getxattrAt, listxattrAt, setxattrAt } from '../native/xattr.ts'
import type { StatAt } from '../native/fs.ts'
import type { IdMap } from '../native/netns.ts'
import { bytesOf, textOf } from '../tar/header.ts'
import { versionOf } from './describe.ts'
import { ownerOnHost } from './id-map.ts'
import type { Place } from './look-up.ts'
import { isMounted } from './mounted.ts'
import { checkKernels } from './write-tree.ts'

const { O_RDONLY, O_NOFOLLOW, S_IFMT, S_IFREG } = fs.constants

/**
 * Puts a whole file where a place is. It is written beside that under a name of its own, synced, and renamed: who reads finds
 * the old content or the new, also when the disk is full. An engine that is killed in between leaves `.gantry-<hex>` there.
 *
 * Blocks: for worker threads.
 *
 * @param version of what is to be replaced; undefined when nothing is to be there
 * @returns the new file's
 */
export function writeFile(
  place: Place,
  content: Uint8Array,
  version: string | undefined,
  ids: IdMap | undefined,
): string {
  const shown = textOf(place.path)
  const name = nameToWrite(place)
  const { fd: directory } = place.directory
  const check = (): StatAt | undefined => {
    const there = statat(directory, bytesOf(name))
    if (version === undefined) {
      if (there) throw new ConflictError(`${shown} exists already`)
      return undefined
    }
    if (!there) throw new ConflictError(`${shown} has been removed meanwhile`)
    if ((there.mode & S_IFMT) !== S_IFREG) throw new InvalidParameterError(`${shown}: not a file`)
    if (versionOf(there) !== version) throw new ConflictError(`${shown} has been changed meanwhile`)
    return there
  }
  const there = check()
  if (isMounted(directory, name)) {
    throw new InvalidParameterError(
      `${shown} is mounted by itself, so that no other file can take its place: change it where it comes from`,
    )
  }
  const fresh = `.gantry-${randomBytes(8).toString('hex')}`
  try {
    const now = Date.now()
    const { gid, uid } = there ?? ownerOnHost(ids, { uid: 0, gid: 0 })
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    createFileAt(directory, fresh, bytes, {
      mode: there ? there.mode & 0o7777 : 0o644,
      uid,
      gid,
      mtimeSeconds: Math.floor(now / 1000),
      mtimeNanos: (now % 1000) * 1_000_000,
    })
    const made = finish(directory, fresh, there && name)
    check()
    renameat(directory, fresh, directory, bytesOf(name), there ? 0 : RENAME_NOREPLACE)
    return made
  } catch (error) {
    discard(directory, fresh)
    if (errnoOfError(error) !== 'EEXIST') throw error
    throw new ConflictError(`${shown} exists already`, { cause: error })
  }
}

/** @throws NOT_FOUND without the directory; INVALID_PARAMETER when it is one */
function nameToWrite(place: Place): string {
  checkKernels(place.directory)
  const name = place.entry?.name ?? place.missing[0]
  if (name === undefined) throw new InvalidParameterError(`${textOf(place.path)}: is a directory`)
  if (place.missing.length > 1 || name === '..')
    throw new NotFoundError(`no such file: ${textOf(place.path)}`)
  return name
}

/** Gives the new file the attributes of the old one, and has its content on the disk. @returns its version */
function finish(directory: number, fresh: string, old: string | undefined): string {
  const fd = openBeneath(directory, fresh, O_RDONLY | O_NOFOLLOW)
  try {
    if (old !== undefined) copyAttributes(directory, bytesOf(old), fd)
    fs.fsyncSync(fd)
    const stat = statat(fd, '')
    if (!stat) throw new Error('an open file has a status')
    return versionOf(stat)
  } finally {
    fs.closeSync(fd)
  }
}

/** All but capabilities, which a write takes away, and overlayfs's own marks. */
function copyAttributes(directory: number, old: Buffer, fd: number): void {
  try {
    for (const key of listxattrAt(directory, old)) {
      if (key === 'security.capability' || /^(trusted|user)\.overlay\./.test(key)) continue
      const value = getxattrAt(directory, old, key)
      if (value) setxattrAt(fd, '', bytesOf(key), value)
    }
  } catch (error) {
    // not every file system has every kind
    if (!['EOPNOTSUPP', 'EPERM'].includes(errnoOfError(error) ?? '')) throw error
  }
}

function discard(directory: number, fresh: string): void {
  try {
    unlinkat(directory, fresh)
  } catch {
    // why it could not be written matters more, and it may not have come to be
  }
}
