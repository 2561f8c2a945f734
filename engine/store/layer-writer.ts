import fs from 'node:fs'
import { InvalidParameterError, SystemError } from '../errors.ts'
import {
  DIRECTORY,
  createFileAt,
  errnoOfError,
  isErrno,
  fchmodat,
  fchownat,
  linkat,
  mkdirat,
  mknodat,
  openBeneath,
  openInRoot,
  statat,
  symlinkat,
  unlinkat,
  utimensat,
} from '../native/fs.ts'
import { removeTreeAt } from '../native/trees.ts'
import { setxattrAt } from '../native/xattr.ts'
import { cleanName } from '../tar/clean-name.ts'
import { bytesOf, shownName } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { LayerDirectories, setOpaque } from './layer-directories.ts'
import { tooManyBytes, tooManyMembers, type UnpackLimits } from './limits.ts'
import { isWhiteout } from './merged.ts'

const {
  S_IFMT,
  S_IFDIR,
  S_IFCHR,
  S_IFBLK,
  S_IFIFO,
  O_RDONLY,
  O_WRONLY,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_DIRECTORY,
} = fs.constants

/** Files up to this size are gathered and written by one native call. */
const SMALL_FILE = 128 * 1024

export interface LayerContent {
  /** Sum of the files' sizes, as Docker counts a layer. */
  sizeBytes: number
  entries: number
  /** Directories that the archive did not name but put something into; their metadata is the layer below's business. */
  implicitDirectories: string[]
}

/**
 * Writes an archive's members as an overlay directory: whiteouts become 0/0 character devices, opaque markers the
 * `trusted.overlay.opaque` attribute.
 *
 * Names are hostile. The directory part is opened with RESOLVE_IN_ROOT, so links and `..` end inside the layer, and
 * the last component is never followed. Nobody else may be writing there.
 *
 * @see image-spec layer.md, "Representing Changes"; Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"
 */
export class LayerWriter implements TarSink {
  readonly #limits: Pick<UnpackLimits, 'maxBytes' | 'maxEntries'>
  readonly #directories: LayerDirectories
  readonly #directoryTimes = new Map<string, { seconds: number; nanos: number }>()
  #bytes = 0
  #entries = 0
  #sizeBytes = 0

  #header: TarHeader | undefined
  #place: Place | undefined
  /** Of a small file so far. */
  #gathered: Buffer[] = []
  #gatheredBytes = 0
  #fd = -1

  /** @param root path of an existing, empty directory */
  constructor(root: string, limits: Pick<UnpackLimits, 'maxBytes' | 'maxEntries'>) {
    this.#directories = new LayerDirectories(root)
    this.#limits = limits
  }

  entry(header: TarHeader): void {
    this.#header = header
    if (++this.#entries > this.#limits.maxEntries) {
      throw tooManyMembers(this.#limits)
    }
    this.#attempt(() => this.#begin(header))
  }

  data(chunk: Buffer, offset: number): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#limits.maxBytes) throw tooManyBytes(this.#limits)
    if (!this.#place) return
    if (this.#fd < 0) {
      this.#gathered.push(Buffer.from(chunk))
      this.#gatheredBytes += chunk.length
      return
    }
    this.#attempt(() => {
      for (let done = 0; done < chunk.length;) {
        done += fs.writeSync(this.#fd, chunk, done, chunk.length - done, offset + done)
      }
    })
  }

  end(): void {
    const header = this.#header
    const place = this.#place
    this.#header = undefined
    this.#place = undefined
    if (!header || !place) return
    this.#attempt(() => {
      if (this.#fd >= 0) this.#endLargeFile(header)
      else this.#createSmallFile(header, place)
      this.#setXattrs(header, place.directory, place.base)
    }, header)
    this.#sizeBytes += header.size
  }

  /** Sets the directories' times, which all the writing changed, and tells what the layer holds. */
  finish(): LayerContent {
    for (const [path, { seconds, nanos }] of this.#directoryTimes) {
      let fd: number
      try {
        fd = openInRoot(
          this.#directories.root,
          path === '' ? '.' : bytesOf(path),
          O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
        )
      } catch (error) {
        // replaced since by something that is no directory
        if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) continue
        throw error
      }
      try {
        fs.futimesSync(fd, seconds + nanos / 1e9, seconds + nanos / 1e9)
      } finally {
        fs.closeSync(fd)
      }
    }
    return {
      sizeBytes: this.#sizeBytes,
      entries: this.#entries,
      implicitDirectories: [...this.#directories.implicit],
    }
  }

  close(): void {
    this.#directories.close()
    if (this.#fd >= 0) fs.closeSync(this.#fd)
    this.#fd = -1
  }

  #begin(header: TarHeader): void {
    const path = pathOf(header.name)
    if (path === '') {
      if (header.type !== 'dir')
        throw new InvalidParameterError(`invalid name in archive: ${shownName(header.name)}`)
      this.#directories.implicit.delete('')
      this.#finishDirectory(header, '', this.#directories.root, '.')
      return
    }
    const slash = path.lastIndexOf('/')
    const base = path.slice(slash + 1)
    const parent = slash < 0 ? '' : path.slice(0, slash)
    if (base.startsWith('.wh.')) {
      this.#whiteout(parent, base)
      return
    }
    const directory = this.#directories.get(parent)
    const name = bytesOf(base)
    switch (header.type) {
      case 'dir':
        this.#createDirectory(header, path, directory, name)
        return
      case 'file':
        if (header.size > this.#limits.maxBytes && header.sparse === undefined)
          throw tooManyBytes(this.#limits)
        this.#place = { path, directory, base: name }
        this.#gathered = []
        this.#gatheredBytes = 0
        if (header.size > SMALL_FILE || header.sparse !== undefined)
          this.#openLargeFile(header, path, directory, name)
        return
      case 'link':
        this.#createLink(header, path, directory, name)
        return
      case 'symlink':
        this.#replacing(path, directory, name, () => {
          symlinkat(bytesOf(header.linkName), directory, name)
        })
        break
      case 'char':
      case 'block':
      case 'fifo': {
        const type = header.type === 'char' ? S_IFCHR : header.type === 'block' ? S_IFBLK : S_IFIFO
        this.#replacing(path, directory, name, () => {
          mknodat(directory, name, type | 0o600, header.deviceMajor, header.deviceMinor)
        })
        break
      }
    }
    fchownat(directory, name, header.uid, header.gid)
    if (header.type !== 'symlink') fchmodat(directory, name, header.mode)
    this.#setXattrs(header, directory, name)
    utimensat(directory, name, header.mtimeSeconds, header.mtimeNanos)
  }

  #createDirectory(header: TarHeader, path: string, directory: number, base: Buffer): void {
    try {
      mkdirat(directory, base, 0o700)
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      const found = statat(directory, base)
      if (found === undefined || (found.mode & S_IFMT) !== S_IFDIR) {
        const hides = found !== undefined && isWhiteout(found)
        this.#remove(directory, base)
        mkdirat(directory, base, 0o700)
        // what the whiteout hid below stays hidden
        if (hides) setOpaque(directory, base)
      }
    }
    this.#directories.implicit.delete(path)
    this.#finishDirectory(header, path, directory, base)
  }

  #finishDirectory(
    header: TarHeader,
    path: string,
    directory: number,
    base: Buffer | string,
  ): void {
    fchownat(directory, base, header.uid, header.gid)
    fchmodat(directory, base, header.mode)
    this.#setXattrs(header, directory, base)
    this.#directoryTimes.set(path, { seconds: header.mtimeSeconds, nanos: header.mtimeNanos })
  }

  #createSmallFile(header: TarHeader, place: Place): void {
    const [first = EMPTY] = this.#gathered
    const content =
      this.#gathered.length > 1 ? Buffer.concat(this.#gathered, this.#gatheredBytes) : first
    this.#gathered = []
    this.#replacing(place.path, place.directory, place.base, () => {
      createFileAt(place.directory, place.base, content, header)
    })
  }

  #openLargeFile(header: TarHeader, path: string, directory: number, base: Buffer): void {
    this.#replacing(path, directory, base, () => {
      this.#fd = openBeneath(directory, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    })
    // the end of a sparse file may be a hole
    if (header.sparse !== undefined) fs.ftruncateSync(this.#fd, header.size)
  }

  #endLargeFile(header: TarHeader): void {
    const fd = this.#fd
    this.#fd = -1
    try {
      fs.fchownSync(fd, header.uid, header.gid)
      fs.fchmodSync(fd, header.mode)
      utimensat(fd, '', header.mtimeSeconds, header.mtimeNanos)
    } finally {
      fs.closeSync(fd)
    }
  }

  #createLink(header: TarHeader, path: string, directory: number, base: Buffer): void {
    const target = pathOf(header.linkName)
    if (target === '')
      throw new InvalidParameterError(`invalid hard link target: ${shownName(header.linkName)}`)
    if (target === path) return
    const slash = target.lastIndexOf('/')
    const from = openInRoot(
      this.#directories.root,
      slash <= 0 ? '.' : bytesOf(target.slice(0, slash)),
      DIRECTORY,
    )
    try {
      const targetBase = bytesOf(target.slice(slash + 1))
      const found = statat(from, targetBase)
      if (found === undefined || (found.mode & S_IFMT) === S_IFDIR) {
        throw new InvalidParameterError(
          `hard link ${shownName(header.name)} to ${shownName(header.linkName)}: ${found ? 'it is a directory' : 'no such file in the layer'}`,
        )
      }
      const existing = statat(directory, base)
      if (existing && existing.ino === found.ino && existing.dev === found.dev) return
      this.#replacing(path, directory, base, () => {
        linkat(from, targetBase, directory, base)
      })
    } finally {
      fs.closeSync(from)
    }
  }

  /** `.wh.NAME` hides NAME of the layers below; `.wh..wh..opq` hides all of them in its directory. */
  #whiteout(parent: string, base: string): void {
    if (base === '.wh..wh..opq') {
      setOpaque(this.#directories.get(parent), '')
      return
    }
    // aufs kept its own books under such names
    if (base.startsWith('.wh..wh.')) return
    const hidden = base.slice('.wh.'.length)
    if (hidden === '' || hidden === '.' || hidden === '..') {
      throw new InvalidParameterError(`invalid whiteout in archive: ${shownName(base)}`)
    }
    const directory = this.#directories.get(parent)
    const name = bytesOf(hidden)
    const found = statat(directory, name)
    if (found === undefined) mknodat(directory, name, S_IFCHR, 0, 0)
    else if ((found.mode & S_IFMT) === S_IFDIR) setOpaque(directory, name)
  }

  #setXattrs(header: TarHeader, directory: number, base: Buffer | string): void {
    for (const [key, value] of header.xattrs) {
      // overlayfs's own marks: an image must not redirect a directory to another
      if (key.startsWith('trusted.overlay.') || key.startsWith('user.overlay.')) continue
      try {
        setxattrAt(directory, base === '.' ? '' : base, bytesOf(key), value)
      } catch (error) {
        // not every file system has every namespace, and links and devices have no user.*: Docker goes on, too
        if (isErrno(error, 'EOPNOTSUPP') || (key.startsWith('user.') && isErrno(error, 'EPERM')))
          continue
        throw error
      }
    }
  }

  /** Makes something new under a name; what was there before is removed, not written through. */
  #replacing(path: string, directory: number, base: Buffer, create: () => void): void {
    try {
      create()
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error
      this.#remove(directory, base)
      this.#directories.implicit.delete(path)
      create()
    }
  }

  #remove(directory: number, base: Buffer): void {
    try {
      unlinkat(directory, base)
    } catch (error) {
      if (!isErrno(error, 'EISDIR')) throw error
      this.#directories.keepOnly(directory)
      removeTreeAt(directory, base)
    }
    // a link on the way to a directory may be gone, too
    this.#directories.keepOnly(directory)
  }

  /** Runs a step; a failed system call tells which member it was. */
  #attempt(step: () => void, header = this.#header): void {
    try {
      step()
    } catch (error) {
      const errno = errnoOfError(error)
      if (errno === undefined || !header) throw error
      const what =
        error instanceof SystemError
          ? error.syscall
          : ((error as NodeJS.ErrnoException).syscall ?? 'write')
      const message = `unpacking ${shownName(header.name)}: ${what}: ${errno}`
      if (ARCHIVE_FAULTS.includes(errno)) throw new InvalidParameterError(message, { cause: error })
      throw new Error(message, { cause: error })
    }
  }
}

interface Place {
  path: string
  directory: number
  base: Buffer
}

/** Failures that are the archive's and not the machine's. */
const ARCHIVE_FAULTS = [
  'ENAMETOOLONG',
  'ELOOP',
  'ENOTDIR',
  'EXDEV',
  'EINVAL',
  'EFBIG',
  'ENOENT',
  'EMLINK',
  'EPERM',
]
const EMPTY = Buffer.alloc(0)

/** @throws INVALID_PARAMETER when it leads out of the layer */
function pathOf(name: string): string {
  const path = cleanName(name)
  if (path === undefined) {
    throw new InvalidParameterError(
      `invalid name in archive: ${shownName(name)} is outside of its root`,
    )
  }
  return path
}
