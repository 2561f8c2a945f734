import { fileTypeOf } from './file-packets.ts'
import { GrpcError } from './grpc-error.ts'
import type { Stat } from './messages.ts'

/** What the kernel takes. @see PATH_MAX and NAME_MAX, limits.h */
const MOST_PATH = 4095
const MOST_NAME = 255
const MOST_XATTRS = 256

/**
 * Checks what a client says of its files, one after the other: names lead nowhere out, come in fsutil's order, each once, and
 * stand in a directory that came before.
 *
 * @see tonistiigi/fsutil validator.go
 */
export class EntryChecks {
  /** The directories that the last entry is in, the root first, with the last name that each has had. */
  readonly #open: { path: string; last: string }[] = [{ path: '', last: '' }]

  /** @throws GrpcError naming the entry and what is wrong with it */
  check(stat: Stat): void {
    // names are bytes: latin1 compares them as Go does
    const path = Buffer.from(stat.path).toString('latin1')
    const link = Buffer.from(stat.linkname).toString('latin1')
    const type = fileTypeOf(stat.mode)
    checkPath(path)
    if (!Number.isSafeInteger(stat.size) || stat.size < 0)
      throw refused(path, `a size of ${String(stat.size)}`)
    if (![stat.devmajor, stat.devminor].every((one) => one >= 0 && one < 2 ** 32))
      throw refused(path, 'a device that no file system can hold')
    if (link.length > MOST_PATH || link.includes('\0'))
      throw refused(path, 'a link that no file system can hold')
    if (type === 'symlink' && link === '') throw refused(path, 'a link to nothing')
    if (type === 'file' && link !== '') checkPath(link)
    if (Object.keys(stat.xattrs).length > MOST_XATTRS)
      throw refused(path, 'more attributes than a file can have')
    this.#place(path, type === 'dir')
  }

  #place(path: string, isDirectory: boolean): void {
    const slash = path.lastIndexOf('/')
    const parent = path.slice(0, Math.max(0, slash))
    const name = path.slice(slash + 1)
    while (this.#open.length > 1 && this.#open.at(-1)?.path !== parent) this.#open.pop()
    const directory = this.#open.at(-1)
    if (directory?.path !== parent || directory.last >= name)
      throw refused(path, 'a name that is out of order, was there before, or is in no directory')
    directory.last = name
    if (isDirectory) this.#open.push({ path, last: '' })
  }
}

function checkPath(path: string): void {
  const names = path.split('/')
  if (path === '' || path.startsWith('/') || names.includes('..'))
    throw refused(path, 'a name that leads out of the directory')
  if (path.includes('\0') || names.some((name) => name === '' || name === '.'))
    throw refused(path, 'a name that is not clean')
  if (path.length > MOST_PATH || names.some((name) => name.length > MOST_NAME))
    throw refused(path, 'a name that is too long')
}

function refused(path: string, what: string): GrpcError {
  const shown = Buffer.from(path.slice(0, 200), 'latin1').toString()
  return new GrpcError('UNKNOWN', `the client sends ${JSON.stringify(shown)}: ${what}`)
}
