import fs from 'node:fs'
import type { FileListing, FilePage } from '../contract/files.ts'
import { InvalidParameterError } from '../errors.ts'
import type { IdMap } from '../native/netns.ts'
import { textOf } from '../tar/header.ts'
import { describeFile } from './describe.ts'
import { openEntry } from './look-up.ts'
import type { Place } from './look-up.ts'

/** Names that are kept in memory while a directory is read. */
export const MOST_NAMES = 100_000
const MOST_FILES = 1000

/**
 * A page of what is in a directory. All its names are read, their status only of those on the page; nothing is opened but by
 * O_PATH, so no content is read, no device is touched, and what has gone meanwhile is left out.
 *
 * Blocks: for worker threads.
 *
 * @throws INVALID_PARAMETER when it is no directory
 */
export function listDirectory(place: Place, page: FilePage, ids: IdMap | undefined): FileListing {
  if (place.entry) throw new InvalidParameterError(`${textOf(place.path)}: not a directory`)
  const { fd, isKernels } = place.directory
  const path = textOf(place.path)
  if (isKernels) return { path, files: [], total: 0, cut: false, kernels: true, removed: [] }
  const { cut, names } = namesOf(fd, page.filter ?? '')
  const offset = page.offset ?? 0
  const files = names
    .slice(offset, offset + Math.min(page.limit ?? MOST_FILES, MOST_FILES))
    .flatMap((name) => {
      const found = openEntry(fd, name)
      if (!found) return []
      try {
        return [describeFile(place.levels, { name, ...found }, ids)]
      } finally {
        fs.closeSync(found.fd)
      }
    })
  return { path, files, total: names.length, cut, kernels: false, removed: [] }
}

/** Those that fit, directories first, each kind in the order of bytes. */
function namesOf(fd: number, filter: string): { names: string[]; cut: boolean } {
  const wanted = filter.toLowerCase()
  const directories: string[] = []
  const others: string[] = []
  const cut = !eachName(fd, MOST_NAMES, (entry) => {
    if (wanted !== '' && !textOf(entry.name).toLowerCase().includes(wanted)) return
    if (entry.isDirectory()) directories.push(entry.name)
    else others.push(entry.name)
  })
  directories.sort()
  return { names: [...directories, ...others.sort()], cut }
}

/**
 * Names in a directory (bytes as latin1), so many at most, in the order of its file system.
 *
 * @param act false ends it
 * @returns whether those were all
 */
export function eachName(
  fd: number,
  most: number,
  act: (entry: fs.Dirent) => boolean | undefined | void,
): boolean {
  // each byte of a name is a letter of latin1
  const directory = fs.opendirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1', bufferSize: 1024 })
  try {
    for (let read = 0; ; read++) {
      const entry = directory.readSync()
      if (entry === null) return true
      if (read === most || act(entry) === false) return false
    }
  } finally {
    directory.closeSync()
  }
}
