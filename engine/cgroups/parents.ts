import fs from 'node:fs'
import path from 'node:path'
import { InvalidParameterError } from '../errors.ts'
import { isMissing, makeCgroup } from './files.ts'

/** In the run directory of what no document tells of: the parent of its cgroup, when that is not the engine's own. */
export const CGROUP_PARENT = 'cgroup-parent'

/**
 * Where a container asked to be, as a path below the root of each hierarchy without slashes at its ends; undefined for
 * the engine's own place. A path without a leading slash starts at the root as well, as Docker's does for an engine that
 * runs there, and none leads above it.
 *
 * @throws INVALID_PARAMETER for the name of a systemd slice
 * @see HostConfig.CgroupParent, Docker Engine API
 */
export function parseCgroupParent(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined
  const wanted = path.posix.normalize(`/${text}`).replace(/^\/+|\/+$/g, '')
  if (wanted.split('/').some((part) => part.endsWith('.slice'))) {
    // systemd owns what is below its slices and takes their controllers away as it likes
    throw new InvalidParameterError(
      `cgroup-parent for cgroupfs should be a path such as "/name", not a slice of systemd's: ${text}`,
    )
  }
  return wanted
}

/**
 * Cgroups above containers that the engine made because a container asked for them. They go when nothing is below them
 * any more, those made by others stay. Kept in a file that dies with the host, as cgroups do, for the engine that comes
 * after this one.
 */
export class MadeParents {
  readonly #file: string | undefined
  #known: Set<string> | undefined

  /** @param file undefined keeps them in memory alone */
  constructor(file?: string) {
    this.#file = file
  }

  has(directory: string): boolean {
    return this.#made.has(directory)
  }

  /**
   * Makes a cgroup where there is none. It is written down before: an engine that is killed in between leaves a name without
   * a cgroup, not a cgroup that is never removed.
   */
  make(directory: string): void {
    if (fs.existsSync(directory)) return
    this.#made.add(directory)
    try {
      this.#save()
      if (makeCgroup(directory)) return
    } catch (error) {
      this.#made.delete(directory)
      throw error
    }
    // somebody else was quicker
    this.#made.delete(directory)
    this.#save()
  }

  /**
   * Removes those of `directories` that the engine made and that are empty.
   *
   * @param directories the deepest first
   */
  removeEmpty(directories: string[]): void {
    const mine = directories.filter((directory) => this.has(directory))
    for (const directory of mine) {
      try {
        fs.rmdirSync(directory)
      } catch (error) {
        // another container, or whatever else was put there
        if (!isMissing(error)) continue
      }
      this.#made.delete(directory)
    }
    if (mine.length > 0) this.#save()
  }

  get #made(): Set<string> {
    if (this.#known) return this.#known
    const text =
      this.#file !== undefined && fs.existsSync(this.#file)
        ? fs.readFileSync(this.#file, 'utf8')
        : ''
    const lines = text.split('\n').filter((line) => line !== '' && fs.existsSync(line))
    return (this.#known = new Set(lines))
  }

  /** Whole or not at all: half a name may be another's. */
  #save(): void {
    if (this.#file === undefined) return
    fs.writeFileSync(`${this.#file}.new`, [...this.#made, ''].join('\n'))
    fs.renameSync(`${this.#file}.new`, this.#file)
  }
}

/** The cgroups on the way to `parent`, the deepest first: `a/b` below `root` gives `root/a/b` and `root/a`. */
export function waysUp(root: string, parent: string): string[] {
  const parts = parent.split('/').filter(Boolean)
  return parts.map((_, index) => [root, ...parts.slice(0, parts.length - index)].join('/'))
}
