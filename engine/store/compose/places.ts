import { InvalidParameterError } from '../../errors.ts'
import { tarHeader, textOf } from '../../tar/header.ts'
import type { TarSink } from '../../tar/read.ts'
import { closeFound, type Found } from '../merged.ts'
import { placeInMerged } from '../merged-tree.ts'
import type { Owner } from './job.ts'

/** Where something is to go. */
export interface Place {
  /** Without a slash at its start; links followed. */
  full: string
  /** The names at its end that are not there below. */
  missing: string[]
  /** What is there already, below or by an earlier part. */
  kind: 'dir' | 'file' | 'none'
}

/** What is there, below the layer and in it, where parts of it are to go; and the directories that they need. */
export class Places {
  readonly #sink: TarSink
  readonly #lower: readonly number[]
  readonly #mtimeSeconds: number
  /** Directories that this layer has made, by their whole names. */
  readonly #made = new Set<string>()

  /**
   * @param lower directories below the layer, topmost first
   * @param mtimeSeconds of the directories that are made
   */
  constructor(sink: TarSink, lower: readonly number[], mtimeSeconds: number) {
    this.#sink = sink
    this.#lower = lower
    this.#mtimeSeconds = mtimeSeconds
  }

  /** A directory and those above it, where they are missing. */
  makeDirectory(path: string, mode: number, owner: Owner): void {
    const place = this.find(path, false)
    if (place.kind === 'file')
      throw new InvalidParameterError(`cannot make directory ${textOf(path)}: it is a file`)
    this.makeMissing(place, place.missing.length, mode, owner)
  }

  /**
   * @param link do not look at what is below
   * @throws INVALID_PARAMETER when links lead in a circle
   */
  find(path: string, link: boolean): Place {
    if (link) {
      const names = path.split('/').filter((name) => name !== '')
      return this.#placeOf([], names, undefined)
    }
    let place
    try {
      place = placeInMerged(this.#lower, path)
    } catch (error) {
      throw new InvalidParameterError(textOf((error as Error).message), { cause: error })
    }
    closeFound(place.found)
    return this.#placeOf(place.names, place.missing, place.found?.kind)
  }

  #placeOf(names: string[], missing: string[], found: Found['kind'] | undefined): Place {
    const full = [...names, ...missing].join('/')
    const isMade = missing.length > 0 && this.#made.has(full)
    const kind = isMade || found === 'dir' ? 'dir' : found === undefined ? 'none' : 'file'
    return { full, missing, kind: missing.length === 0 && found === undefined ? 'dir' : kind }
  }

  /** Whether a directory is at this name itself, no link followed. */
  isDirectory(full: string): boolean {
    const slash = full.lastIndexOf('/')
    const parent = placeInMerged(this.#lower, slash < 0 ? '' : full.slice(0, slash))
    try {
      if (parent.found?.kind !== 'dir') return false
      const entry = placeInMerged(parent.found.fds, full.slice(slash + 1))
      closeFound(entry.found)
      return entry.found?.kind === 'dir' && entry.names.length === 1
    } finally {
      closeFound(parent.found)
    }
  }

  /** Whether this layer has the directory: it is told of once. */
  isMade(full: string): boolean {
    return this.#made.has(full)
  }

  /** The directory has been told of, by who copies it. */
  setMade(full: string): void {
    this.#made.add(full)
  }

  /** Makes the first `count` of the directories that are missing. */
  makeMissing({ full, missing }: Place, count: number, mode: number, owner: Owner): void {
    const names = full === '' ? [] : full.split('/')
    const first = names.length - missing.length
    for (let length = first + 1; length <= first + count; length++) {
      const name = names.slice(0, length).join('/')
      if (this.#made.has(name)) continue
      this.#made.add(name)
      const header = { type: 'dir', name: `${name}/`, mode, ...owner } as const
      this.#sink.entry(tarHeader({ ...header, mtimeSeconds: this.#mtimeSeconds }))
      this.#sink.end()
    }
  }
}
