import fs from 'node:fs'
import type { ContainerFile } from '../contract/files.ts'
import { errnoOfError, readlinkat } from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import type { IdMap } from '../native/netns.ts'
import { nameOf, textOf } from '../tar/header.ts'
import { errorCode } from '../errors.ts'
import { ownerInContainer } from './id-map.ts'
import { isDirectory, lookUp } from './look-up.ts'
import type { Level } from './look-up.ts'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK } = fs.constants

const KINDS = new Map<number, ContainerFile['kind']>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'link'],
  [S_IFIFO, 'pipe'],
  [S_IFSOCK, 'socket'],
])

/**
 * A file as the contract tells of it.
 *
 * @param levels from the root down to the directory that it is in
 * @param file its name (bytes as latin1), O_PATH descriptor and status
 */
export function describeFile(
  levels: readonly Level[],
  { fd, name, stat }: { fd: number; name: string; stat: StatAt },
  ids: IdMap | undefined,
): ContainerFile {
  const kind = KINDS.get(stat.mode & S_IFMT) ?? 'device'
  const shown = textOf(name)
  return {
    name: shown,
    addressable: nameOf(shown) === name,
    kind,
    sizeBytes: kind === 'file' ? stat.size : 0,
    mode: stat.mode & 0o7777,
    ...ownerInContainer(ids, stat),
    modified: stat.mtimeSeconds,
    version: versionOf(stat),
    ...(kind === 'link' ? { link: linkOf(levels, fd, name) } : {}),
  }
}

/** The device is not in it: a container that does not run is mounted anew each time. */
export function versionOf({ mtimeNanos, mtimeSeconds, size }: StatAt): string {
  return `${String(mtimeSeconds)}.${String(mtimeNanos).padStart(9, '0')}-${String(size)}`
}

function linkOf(levels: readonly Level[], fd: number, name: string): ContainerFile['link'] {
  const text = readlinkat(fd, '').toString('utf8')
  try {
    const place = lookUp(levels, name, true)
    try {
      if (place.missing.length > 0) return { text }
      const { stat } = place
      const to = isDirectory(stat)
        ? 'directory'
        : (stat.mode & S_IFMT) === S_IFREG
          ? 'file'
          : 'other'
      return { text, to }
    } finally {
      place.close()
    }
  } catch (error) {
    // in a circle, or through what is no directory; or it has gone while it was walked
    if (errorCode(error) !== 'INVALID_PARAMETER' && errnoOfError(error) === undefined) throw error
    return { text }
  }
}
