import fs from 'node:fs'
import { InvalidParameterError } from '../errors.ts'
import {
  DIRECTORY,
  fchmodat,
  isErrno,
  mkdirat,
  openBeneath,
  openInRoot,
  statat,
  unlinkat,
} from '../native/fs.ts'
import { setxattrAt } from '../native/xattr.ts'
import { bytesOf, shownName } from '../tar/header.ts'
import { isWhiteout } from './merged.ts'

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = fs.constants

const MOST_OPEN = 64

/** Has a directory hide what the layers below have in it. @see overlayfs.rst, "whiteouts and opaque directories" */
export function setOpaque(directory: number, name: Buffer | string): void {
  setxattrAt(directory, name, 'trusted.overlay.opaque', Buffer.from('y'))
}

/**
 * The directories of a layer that is being written, by descriptors: resolved below its root, made when they are missing, and
 * kept open for what comes next.
 */
export class LayerDirectories {
  readonly root: number
  /** Those that the archive did not name but put something into. */
  readonly implicit = new Set<string>([''])
  readonly #open = new Map<string, number>()

  /** @param root path of an existing directory */
  constructor(root: string) {
    this.root = fs.openSync(root, O_RDONLY | O_DIRECTORY)
  }

  /**
   * @returns a descriptor that stays ours
   * @throws INVALID_PARAMETER when something else is there
   */
  get(path: string): number {
    if (path === '') return this.root
    const known = this.#open.get(path)
    if (known !== undefined) return known
    let fd: number
    try {
      fd = openInRoot(this.root, bytesOf(path), DIRECTORY)
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
      fd = this.#make(path)
    }
    if (this.#open.size >= MOST_OPEN) this.#forget()
    this.#open.set(path, fd)
    return fd
  }

  /** Names may lead elsewhere now: all but the descriptor in use is closed. */
  keepOnly(inUse: number): void {
    for (const [path, fd] of this.#open) {
      if (fd === inUse) continue
      fs.closeSync(fd)
      this.#open.delete(path)
    }
  }

  close(): void {
    this.#forget()
    fs.closeSync(this.root)
  }

  #make(path: string): number {
    const slash = path.lastIndexOf('/')
    const parent = this.get(slash < 0 ? '' : path.slice(0, slash))
    const base = bytesOf(path.slice(slash + 1))
    const found = statat(parent, base)
    const hides = found !== undefined && isWhiteout(found)
    if (found !== undefined && !hides) {
      throw new InvalidParameterError(`${shownName(path)} is not a directory of the layer`)
    }
    if (hides) unlinkat(parent, base)
    mkdirat(parent, base, 0o755)
    fchmodat(parent, base, 0o755)
    // what the whiteout hid below stays hidden
    if (hides) setOpaque(parent, base)
    else this.implicit.add(path)
    return openBeneath(parent, base, DIRECTORY | O_NOFOLLOW)
  }

  #forget(): void {
    for (const fd of this.#open.values()) fs.closeSync(fd)
    this.#open.clear()
  }
}
