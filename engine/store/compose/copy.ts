import { InvalidParameterError } from '../../errors.ts'
import { nameOf, textOf } from '../../tar/header.ts'
import { TarParser, type TarSink } from '../../tar/read.ts'
import { IgnoreRules } from '../../tree/ignore-rules.ts'
import { parseModeChange } from '../file-mode.ts'
import { tooManyBytes, tooManyMembers, type UnpackLimits } from '../limits.ts'
import { closeFound, type Found } from '../merged.ts'
import { placeInMerged } from '../merged-tree.ts'
import { openArchive } from './archive.ts'
import { Copier, type DirFound } from './copier.ts'
import type { CopyPart } from './job.ts'
import type { Place, Places } from './places.ts'
import { findSource, findSources, notFound, type Source } from './sources.ts'

const NEW_DIRECTORY = 0o755

/** The layer that is being put together. */
export interface Composing {
  sink: TarSink
  places: Places
  /** Of each archive that is unpacked. */
  limits: UnpackLimits
  /** Of files that have no time of their own. */
  mtimeSeconds: number
}

/**
 * Copies what a part names to its destination.
 *
 * @param from the roots of the tree that is copied from, topmost first
 * @throws INVALID_PARAMETER in Docker's words when a source is not there or does not fit in its place
 */
export async function copyInto(
  layer: Composing,
  part: CopyPart,
  from: readonly number[],
): Promise<void> {
  const sources = part.sources.flatMap((source) => findSources(from, source, part.parents))
  const there = layer.places.find(nameOf(part.destination), part.link)
  const copying = new Copying(layer, part, from, there)
  // also where a pattern fits nothing
  if (part.parents) copying.makeDestination()
  for (const { name, content } of part.files) copying.file(nameOf(name), content)
  for (const source of sources) await copying.source(source)
}

class Copying {
  readonly #layer: Composing
  readonly #part: CopyPart
  readonly #from: readonly number[]
  readonly #there: Place
  readonly #copier: Copier
  /** What the destination has become by a source. */
  #became: 'file' | 'dir' | undefined

  constructor(layer: Composing, part: CopyPart, from: readonly number[], there: Place) {
    this.#layer = layer
    this.#part = part
    this.#from = from
    this.#there = there
    this.#copier = new Copier({
      sink: layer.sink,
      owner: part.owner,
      change: part.chmod === undefined ? undefined : parseModeChange(part.chmod),
      rules: new IgnoreRules(part.excludes),
    })
  }

  /** A file that is given by its content. */
  file(name: string, content: string): void {
    this.#copier.file(this.#target(name), Buffer.from(content), this.#layer.mtimeSeconds)
  }

  async source(source: Source): Promise<void> {
    const found = findSource(this.#from, source.path, this.#part.parents)
    if (!found) throw notFound(source.path)
    try {
      if (this.#part.parents) this.#withParents(source, found)
      else if (found.kind === 'dir') this.#contents(found)
      else await this.#fileOrArchive(source, found)
    } finally {
      closeFound(found)
    }
  }

  /** The destination as a directory, which has nothing of its source: only what is in that is copied. */
  makeDestination(verb: 'copy' | 'unpack' = 'copy'): void {
    if (this.#there.kind === 'file' || this.#became === 'file') {
      throw new InvalidParameterError(
        `cannot ${verb} to non-directory: /${textOf(this.#there.full)}`,
      )
    }
    this.#became = 'dir'
    const mode = verb === 'unpack' ? NEW_DIRECTORY : this.#newMode()
    this.#layer.places.makeMissing(this.#there, this.#there.missing.length, mode, this.#owner())
  }

  async #fileOrArchive({ path }: Source, found: Found): Promise<void> {
    const base = path.split('/').at(-1) ?? ''
    if (this.#copier.excludes(path) || this.#copier.excludes(base)) return
    if (this.#part.unpack && (await this.#unpack(found, path))) return
    this.#copier.add(found, this.#target(base))
  }

  /** The contents of a directory into the destination. */
  #contents(found: DirFound): void {
    this.makeDestination()
    this.#copier.contents(found, this.#there.full, '')
  }

  /** A source below the destination by its own path. */
  #withParents(source: Source, found: Found): void {
    const { places } = this.#layer
    this.makeDestination()
    const names = source.kept.split('/').filter((name) => name !== '')
    const cut = source.path.split('/').filter((name) => name !== '')
    const above = cut.slice(0, cut.length - names.length)
    let target = this.#there.full
    for (const [index, name] of names.entries()) {
      target = target === '' ? name : `${target}/${name}`
      const isLast = index === names.length - 1
      if (isLast) break
      if (places.isMade(target)) continue
      const parent = placeInMerged(this.#from, [...above, ...names.slice(0, index + 1)].join('/'))
      try {
        if (parent.found) this.#copier.add(parent.found, target)
        places.setMade(target)
      } finally {
        closeFound(parent.found)
      }
    }
    if (found.kind === 'dir') {
      if (names.length > 0 && !places.isMade(target)) this.#copier.add(found, target)
      places.setMade(target)
      this.#copier.contents(found, target, source.kept.replace(/\/+$/, ''))
    } else if (!this.#copier.excludes(source.kept)) this.#copier.add(found, target)
  }

  /** Unpacks a file; false when it is no archive. */
  async #unpack(found: Found, path: string): Promise<boolean> {
    if (found.kind !== 'file') return false
    const { limits } = this.#layer
    const archive = await openArchive(found.fd, textOf(path), limits)
    if (!archive) return false
    this.makeDestination('unpack')
    const sink = this.#copier.under(this.#there.full)
    let bytes = 0
    let members = 0
    const parser = new TarParser({
      entry: (header) => {
        if (++members > limits.maxEntries) throw tooManyMembers(limits)
        sink.entry(header)
      },
      data: (chunk, offset) => sink.data(chunk, offset),
      end: () => sink.end(),
    })
    for await (const chunk of archive) {
      bytes += chunk.length
      if (bytes > limits.maxBytes) throw tooManyBytes(limits)
      parser.push(chunk)
    }
    parser.end()
    return true
  }

  /** The whole name of a file that is copied; what is missing above it is made. */
  #target(base: string): string {
    const { full, kind, missing } = this.#there
    if (!this.#part.destination.endsWith('/') && kind !== 'dir' && this.#became !== 'dir') {
      // the last one would be all that is left
      if (this.#became === 'file' || this.#part.isOneOfSeveral)
        throw new InvalidParameterError(
          'When using COPY or ADD with more than one source file, the destination must be a directory and end with a /',
        )
      this.#became = 'file'
      this.#layer.places.makeMissing(
        this.#there,
        missing.length - 1,
        this.#newMode(),
        this.#owner(),
      )
      return full
    }
    this.makeDestination()
    const target = full === '' ? base : `${full}/${base}`
    if (!this.#part.link && this.#layer.places.isDirectory(target))
      throw new InvalidParameterError(`cannot replace to directory /${textOf(target)} with file`)
    return target
  }

  /** Of directories that are made for the destination. Symbolic modes say what to change of something. */
  #newMode(): number {
    const { chmod } = this.#part
    const isOctal = chmod !== undefined && /^[0-7]+$/.test(chmod)
    return isOctal ? parseModeChange(chmod)(NEW_DIRECTORY, true) : NEW_DIRECTORY
  }

  #owner(): { uid: number; gid: number } {
    return this.#part.owner ?? { uid: 0, gid: 0 }
  }
}
