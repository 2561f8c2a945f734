import fs from 'node:fs'
import { EngineError } from '../errors.ts'
import { errnoOfError, readlinkat } from '../native/fs.ts'
import { getxattrAt, listxattrAt } from '../native/xattr.ts'
import type { StatAt } from '../native/fs.ts'
import type { IdMap } from '../native/netns.ts'
import { tarHeader } from '../tar/header.ts'
import type { TarHeader, TarType } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { ownerInContainer } from './id-map.ts'
import { isDirectory, levelOf, openEntry } from './look-up.ts'
import type { Level } from './look-up.ts'

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO } = fs.constants
const { O_RDONLY, O_NOCTTY } = fs.constants

const TYPES = new Map<number, TarType>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'dir'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'char'],
  [S_IFBLK, 'block'],
  [S_IFIFO, 'fifo'],
])

const READ_BYTES = 256 * 1024
/** A path of single letters in single slashes has so many: what is deeper no program can name. @see PATH_MAX */
const MAX_DEPTH = 2048
const ZEROS = Buffer.alloc(64 * 1024)

/** Where members go. */
export interface TreeSink extends TarSink {
  /**
   * Reads content of the last entry from a file itself, where the sink can do that without a copy.
   *
   * @returns how much that was, 0 at the file's end
   */
  readFrom?(file: number, position: number, mostBytes: number): number
}

export interface ReadTreeOptions {
  ids?: IdMap | undefined
  /** Times in whole seconds, as layers and exports have them: fractions need half a kilobyte more for each member. */
  wholeSeconds?: boolean
  /** Directories that are shown without what is in them. */
  isHidden?: (stat: StatAt) => boolean
}

/**
 * Reads files and directories as members of an archive, while others may be changing them: nothing is opened but what was
 * looked at (by its O_PATH descriptor), no link is followed, a name that has gone is left out, and a file that shrank is
 * filled up with zeros. Sockets are left out, since archives have none.
 *
 * Blocks: for worker threads.
 */
export class TreeReader {
  readonly #sink: TreeSink
  readonly #options: ReadTreeOptions
  /** Names of files with several links, by device and inode. */
  readonly #links = new Map<string, string>()
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES)

  constructor(sink: TreeSink, options: ReadTreeOptions = {}) {
    this.#sink = sink
    this.#options = options
  }

  /** A directory as the member `<name>/`, then all below it. */
  addDirectory(level: Level, name: string): void {
    this.addAlone(level.fd, level.stat, name)
    if (!level.isKernels) this.addContents(level, name)
  }

  /**
   * What is in a directory, in the order of names.
   *
   * @param prefix goes before the names with a slash; undefined for none
   */
  addContents(level: Level, prefix: string | undefined, depth = 0): void {
    if (depth > MAX_DEPTH)
      throw new EngineError('SYSTEM', `directories are nested deeper than ${String(MAX_DEPTH)}`)
    for (const name of namesIn(level.fd)) {
      const found = openEntry(level.fd, name)
      if (!found) continue
      try {
        const full = prefix === undefined ? name : `${prefix}/${name}`
        this.addAlone(found.fd, found.stat, full)
        if (!isDirectory(found.stat) || this.#options.isHidden?.(found.stat)) continue
        const below = levelOf(level, found.fd, name, found.stat)
        if (!below.isKernels) this.addContents(below, full, depth + 1)
      } finally {
        fs.closeSync(found.fd)
      }
    }
  }

  /** One member, of a directory only itself. @param fd O_PATH descriptor */
  addAlone(fd: number, stat: StatAt, name: string): void {
    const header = this.#headerOf(fd, stat, name)
    if (!header) return
    if (header.type === 'file') {
      this.#addFile(fd, header)
      return
    }
    this.#sink.entry(header)
    this.#sink.end()
  }

  /** A member's header but for its attributes; undefined for what an archive cannot hold. */
  #headerOf(fd: number, stat: StatAt, name: string): TarHeader | undefined {
    const type = TYPES.get(stat.mode & S_IFMT)
    if (type === undefined) return undefined
    const header = tarHeader({
      type,
      name: type === 'dir' ? `${name}/` : name,
      mode: stat.mode & 0o7777,
      ...ownerInContainer(this.#options.ids, stat),
      mtimeSeconds: stat.mtimeSeconds,
      mtimeNanos: this.#options.wholeSeconds === true ? 0 : stat.mtimeNanos,
    })
    const earlier = type === 'dir' ? undefined : this.#earlierName(stat, name)
    if (earlier !== undefined) return { ...header, type: 'link', linkName: earlier }
    switch (type) {
      case 'file':
        return { ...header, size: stat.size }
      case 'dir':
        return { ...header, xattrs: xattrsOf(fd) }
      case 'symlink':
        return { ...header, linkName: readlinkat(fd, '').toString('latin1') }
      case 'char':
      case 'block':
        return { ...header, deviceMajor: stat.rdevMajor, deviceMinor: stat.rdevMinor }
      case 'fifo':
      case 'link':
        return header
    }
  }

  #earlierName(stat: StatAt, name: string): string | undefined {
    if (stat.nlink < 2) return undefined
    const key = `${String(stat.dev)}:${String(stat.ino)}`
    const earlier = this.#links.get(key)
    if (earlier === undefined) this.#links.set(key, name)
    return earlier
  }

  #addFile(fd: number, header: TarHeader): void {
    // through the descriptor that was looked at, not the name, which may be a device by now
    const file = fs.openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NOCTTY)
    try {
      this.#sink.entry({ ...header, xattrs: xattrsOf(file) })
      this.#readFile(file, header.size)
      this.#sink.end()
    } finally {
      fs.closeSync(file)
    }
  }

  #readFile(file: number, size: number): void {
    let at = 0
    while (at < size) {
      const length = this.#readPiece(file, at, size - at)
      if (length === 0) break
      at += length
    }
    for (; at < size; at += ZEROS.length)
      this.#sink.data(ZEROS.subarray(0, Math.min(ZEROS.length, size - at)), at)
  }

  #readPiece(file: number, at: number, mostBytes: number): number {
    if (this.#sink.readFrom) return this.#sink.readFrom(file, at, mostBytes)
    const length = fs.readSync(file, this.#buffer, 0, Math.min(READ_BYTES, mostBytes), at)
    if (length > 0) this.#sink.data(this.#buffer.subarray(0, length), at)
    return length
  }
}

/** Names in a directory as latin1, sorted by their bytes. */
export function namesIn(fd: number): string[] {
  return fs
    .readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' })
    .map((name) => name.toString('latin1'))
    .sort()
}

/** What belongs to a file wherever it goes: its capabilities, and what users have put there. */
export function xattrsOf(fd: number): Map<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  for (const key of keysOf(fd)) {
    const isKept =
      key === 'security.capability' || (key.startsWith('user.') && !key.startsWith('user.overlay.'))
    const value = isKept ? getxattrAt(fd, '', key) : undefined
    if (value) xattrs.set(key, value)
  }
  return xattrs
}

function keysOf(fd: number): string[] {
  try {
    return listxattrAt(fd, '')
  } catch (error) {
    // not every file system has them
    if (errnoOfError(error) === 'EOPNOTSUPP') return []
    throw error
  }
}
