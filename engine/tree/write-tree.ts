import fs from 'node:fs'
import { posix } from 'node:path'
import { EngineError, InvalidParameterError } from '../errors.ts'
import {
  createFileAt,
  DIRECTORY,
  errnoOfError,
  fchownat,
  linkat,
  mkdirat,
  mknodat,
  openBeneath,
  statat,
  symlinkat,
  utimensat,
} from '../native/fs.ts'
import { removeTreeAt } from '../native/trees.ts'
import { setxattrAt } from '../native/xattr.ts'
import type { IdMap } from '../native/netns.ts'
import { cleanName } from '../tar/clean-name.ts'
import { bytesOf, shownName, textOf } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { ownerOnHost } from './id-map.ts'
import { isDirectory, levelOf, lookUp, openEntry } from './look-up.ts'
import type { Level, Place } from './look-up.ts'
import { refusal } from './refusal.ts'

const { S_IFMT, S_IFCHR, S_IFBLK, S_IFIFO, S_IFLNK, W_OK } = fs.constants
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants

const MOST_OPEN = 64

/** Files up to this size are gathered, and made with all that belongs to them in one native call. */
const SMALL_FILE = 256 * 1024

export interface WriteTreeOptions {
  /** Refuse to put a directory in the place of something else, or the other way round. */
  noOverwriteDirNonDir: boolean
  /** The directory is all there is: above it is itself, and a name cannot lead out of it. Else such a name is refused. */
  isRoot?: boolean
  /** Everything belongs to this user, whatever the archive says. */
  owner?: { uid: number; gid: number } | undefined
  /** Where the directory is seen with the host's ids. */
  ids?: IdMap | undefined
}

/**
 * Writes an archive's members into a directory of a container, which may run and change it at the same moment.
 *
 * Names are hostile, and so may be what is there already. Each name is walked from the directory that was opened at the
 * beginning (look-up.ts), so links end inside the container. What is made is made exclusively, and owner, mode and
 * attributes go to the descriptor of what was made, not to a name that could mean something else by then. What is there
 * under a name is replaced, never written through; what is mounted there stays, and is an error.
 *
 * Blocks: for worker threads.
 *
 * @see PUT /containers/{id}/archive
 */
export class TreeWriter implements TarSink {
  readonly #target: readonly Level[]
  readonly #shownTarget: string
  readonly #options: WriteTreeOptions
  /** Directories by their name in the archive. */
  readonly #open = new Map<string, Place>()
  readonly #directoryTimes = new Map<string, TarHeader>()
  #header: TarHeader | undefined
  /** Of a file that is written while it comes. */
  #fd = -1
  /** Of a file that is gathered: where it goes. The directory stays open, as nothing else is begun before its end. */
  #small: { parent: number; name: Buffer } | undefined
  #gathered: Buffer | undefined

  /** @param target levels down to the directory; they stay the caller's */
  constructor(target: Place, options: WriteTreeOptions) {
    this.#target = target.levels
    this.#shownTarget = textOf(target.path)
    this.#options = options
    checkWritable(target)
  }

  entry(header: TarHeader): void {
    this.#header = header
    this.#attempt(() => this.#begin(header))
  }

  data(chunk: Buffer, offset: number): void {
    if (this.#small) {
      this.#gathered ??= Buffer.allocUnsafeSlow(SMALL_FILE)
      chunk.copy(this.#gathered, offset)
      return
    }
    if (this.#fd < 0) return
    this.#attempt(() => {
      for (let done = 0; done < chunk.length;)
        done += fs.writeSync(this.#fd, chunk, done, chunk.length - done, offset + done)
    })
  }

  end(): void {
    const header = this.#header
    const small = this.#small
    if (header && small) {
      this.#small = undefined
      const content = this.#gathered?.subarray(0, header.size) ?? EMPTY
      this.#attempt(() => {
        createFileAt(small.parent, small.name, content, { ...header, ...this.#ownerOf(header) })
      })
      return
    }
    if (!header || this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    this.#attempt(() => {
      try {
        this.#dress(fd, header)
        utimensat(fd, '', header.mtimeSeconds, header.mtimeNanos)
      } finally {
        fs.closeSync(fd)
      }
    })
  }

  /** Sets the times of directories, which all the writing changed. */
  finish(): void {
    for (const [path, header] of this.#directoryTimes) {
      const place = lookUp(this.#target, path, false)
      try {
        if (!place.entry && place.missing.length === 0)
          utimensat(place.fd, '', header.mtimeSeconds, header.mtimeNanos)
      } finally {
        place.close()
      }
    }
  }

  close(): void {
    this.#forget()
    if (this.#fd >= 0) fs.closeSync(this.#fd)
    this.#fd = -1
  }

  #begin(header: TarHeader): void {
    const path = this.#pathOf(header.name)
    // the directory that is copied into keeps what it is
    if (path === '') return
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    const parent = this.#directory(slash < 0 ? '' : path.slice(0, slash))
    const link = header.type === 'link' ? this.#linkTarget(header) : undefined
    try {
      const { fd } = parent
      const there = statat(fd, bytesOf(name))
      if (link && there && there.dev === link.stat.dev && there.ino === link.stat.ino) return
      const merges = there !== undefined && isDirectory(there) && header.type === 'dir'
      if (there && !merges) this.#clear(parent, name, path, isDirectory(there), header)
      if (merges) this.#ownDirectory(fd, name, path, header)
      else if (link) linkat(link.directory.fd, bytesOf(link.entry?.name ?? ''), fd, bytesOf(name))
      else this.#make(fd, name, path, header)
    } finally {
      link?.close()
    }
  }

  #make(parent: number, base: string, path: string, header: TarHeader): void {
    const name = bytesOf(base)
    switch (header.type) {
      case 'file':
        // attributes go between owner and times, to a descriptor
        if (header.size <= SMALL_FILE && !header.sparse && header.xattrs.size === 0) {
          this.#small = { parent, name }
          return
        }
        this.#fd = openBeneath(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        // the end of a sparse file may be a hole
        if (header.sparse) fs.ftruncateSync(this.#fd, header.size)
        return
      case 'dir':
        mkdirat(parent, name, 0o700)
        this.#ownDirectory(parent, base, path, header)
        return
      case 'symlink':
        symlinkat(bytesOf(header.linkName), parent, name)
        this.#ownSpecial(parent, base, S_IFLNK, header)
        return
      case 'char':
      case 'block':
      case 'fifo': {
        const type = header.type === 'char' ? S_IFCHR : header.type === 'block' ? S_IFBLK : S_IFIFO
        mknodat(parent, name, type | 0o600, header.deviceMajor, header.deviceMinor)
        this.#ownSpecial(parent, base, type, header)
        return
      }
      case 'link':
        throw new Error('a link is made by its caller')
    }
  }

  #ownDirectory(parent: number, name: string, path: string, header: TarHeader): void {
    const fd = openBeneathNow(parent, name)
    try {
      this.#dress(fd, header)
      this.#directoryTimes.set(path, header)
    } finally {
      fs.closeSync(fd)
    }
  }

  #ownSpecial(parent: number, name: string, type: number, header: TarHeader): void {
    const made = openEntry(parent, name)
    if (!made || (made.stat.mode & S_IFMT) !== type) {
      if (made) fs.closeSync(made.fd)
      throw new EngineError('SYSTEM', `${textOf(name)} was replaced while it was being made`)
    }
    try {
      this.#dress(made.fd, header)
      utimensat(made.fd, '', header.mtimeSeconds, header.mtimeNanos)
    } finally {
      fs.closeSync(made.fd)
    }
  }

  #ownerOf(said: { uid: number; gid: number }): { uid: number; gid: number } {
    const { ids, owner } = this.#options
    return ownerOnHost(ids, owner ?? said)
  }

  /** Owner, mode and attributes, in this order: a new owner takes setuid bits and capabilities away. */
  #dress(fd: number, header: TarHeader): void {
    const { gid, uid } = this.#ownerOf(header)
    fchownat(fd, '', uid, gid)
    if (header.type === 'symlink') return
    fs.chmodSync(`/proc/self/fd/${fd}`, header.mode)
    for (const [key, value] of header.xattrs) {
      // overlayfs's own marks: they would show something else than what is there
      if (key.startsWith('trusted.overlay.') || key.startsWith('user.overlay.')) continue
      try {
        setxattrAt(fd, '', bytesOf(key), value)
      } catch (error) {
        // not every file system has every namespace, and devices have no user.*: Docker goes on, too
        if (!['EOPNOTSUPP', 'EPERM'].includes(errnoOfError(error) ?? '')) throw error
      }
    }
  }

  /** Takes away what is there under a name, unless it must not be. */
  #clear(parent: Level, name: string, path: string, isDir: boolean, header: TarHeader): void {
    const shown = textOf(`${this.#shownTarget === '/' ? '' : this.#shownTarget}/${path}`)
    if (this.#options.noOverwriteDirNonDir && isDir !== (header.type === 'dir')) {
      const [old, fresh] = isDir ? ['directory', 'non-directory'] : ['non-directory', 'directory']
      throw new InvalidParameterError(
        `cannot overwrite ${old} ${JSON.stringify(shown)} with ${fresh} ${JSON.stringify(this.#shownTarget)}`,
      )
    }
    try {
      removeTreeAt(parent.fd, bytesOf(name))
    } catch (error) {
      if (errnoOfError(error) !== 'EBUSY') throw error
      throw new InvalidParameterError(`unlinkat ${shown}: device or resource busy`, {
        cause: error,
      })
    }
    // a directory of the archive, or a link on the way to one, may have gone with it
    this.#forget(parent)
  }

  #linkTarget(header: TarHeader): Place {
    const place = lookUp(this.#target, this.#pathOf(header.linkName), false)
    if (place.entry) return place
    place.close()
    throw new InvalidParameterError(
      `hard link ${shownName(header.name)} to ${shownName(header.linkName)}: ${place.missing.length > 0 ? 'no such file' : 'it is a directory'}`,
    )
  }

  /** A directory below the target, made when it is missing; links on the way are followed inside the container. */
  #directory(path: string): Level {
    const target = this.#target.at(-1)
    if (path === '' && target) return target
    const known = this.#open.get(path)
    if (known) return known.directory
    if (this.#open.size >= MOST_OPEN) this.#forget()
    const place = lookUp(this.#target, path, true)
    this.#open.set(path, place)
    if (place.entry) throw new InvalidParameterError(`mkdir ${textOf(path)}: not a directory`)
    for (const name of place.missing.splice(0)) {
      if (name === '..') {
        place.leave()
        continue
      }
      const above = place.directory
      checkKernels(above)
      mkdirat(above.fd, bytesOf(name), 0o755)
      const fd = openBeneathNow(above.fd, name)
      const stat = statat(fd, '')
      if (!stat) throw new EngineError('SYSTEM', `${textOf(name)} has gone`)
      place.enter(levelOf(above, fd, name, stat))
      const { gid, uid } = this.#ownerOf({ uid: 0, gid: 0 })
      fchownat(fd, '', uid, gid)
      fs.chmodSync(`/proc/self/fd/${fd}`, 0o755)
    }
    checkKernels(place.directory)
    return place.directory
  }

  /** Closes directories, but for the one in use. */
  #forget(inUse?: Level): void {
    for (const [path, place] of this.#open) {
      if (place.directory === inUse) continue
      this.#open.delete(path)
      place.close()
    }
  }

  /** @throws INVALID_PARAMETER when it leads out of the directory */
  #pathOf(name: string): string {
    const path = cleanName(this.#options.isRoot ? posix.join('/', name) : name)
    if (path === undefined) {
      throw new InvalidParameterError(
        `${shownName(name)} is outside of ${JSON.stringify(this.#shownTarget)}`,
      )
    }
    return path
  }

  /** Runs a step; a failed system call tells which member it was, and is the caller's mistake where it can be. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      throw refusal(error, textOf(this.#header?.name ?? ''))
    }
  }
}

const EMPTY = Buffer.alloc(0)

/** @throws INVALID_PARAMETER in Docker's words when what is mounted there is read-only */
function checkWritable(target: Place): void {
  checkKernels(target.directory)
  try {
    fs.accessSync(`/proc/self/fd/${target.fd}`, W_OK)
  } catch (error) {
    if (errnoOfError(error) !== 'EROFS') throw error
    const isRoot = target.directory.stat.dev === target.levels[0]?.stat.dev
    throw new InvalidParameterError(
      isRoot ? 'container rootfs is marked read-only' : 'mounted volume is marked read-only',
      { cause: error },
    )
  }
}

/** @throws INVALID_PARAMETER where nothing can be made */
export function checkKernels({ isKernels, name }: Level): void {
  if (isKernels)
    throw new InvalidParameterError(`${textOf(name)} shows the kernel: nothing can be copied to it`)
}

function openBeneathNow(parent: number, name: string): number {
  return openBeneath(parent, bytesOf(name), DIRECTORY | O_NOFOLLOW)
}
