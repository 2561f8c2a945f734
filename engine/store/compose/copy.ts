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
import { findSources, notFound, type Source } from './sources.ts'

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
  const sources = part.sources.flatMap((source) => findSources(from, source))
  const there = layer.places.find(nameOf(part.destination), part.link)
  const isMany = sources.length + part.files.length > 1
  if (isMany && !part.destination.endsWith('/') && there.kind !== 'dir') {
    throw new InvalidParameterError(
      'When using COPY with more than one source file, the destination must be a directory and end with a /',
    )
  }
  const copying = new Copying(layer, part, from, there)
  for (const { name, content } of part.files) copying.file(nameOf(name), content)
  for (const source of sources) await copying.source(source)
}

class Copying {
  readonly #layer: Composing
  readonly #part: CopyPart
  readonly #from: readonly number[]
  readonly #there: Place
  readonly #copier: Copier

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
    const { found } = placeInMerged(this.#from, source.path)
    if (!found) throw notFound(source.path)
    try {
      if (this.#part.parents) this.#withParents(source, found)
      else if (found.kind === 'dir') this.#contents(found)
      else await this.#fileOrArchive(source, found)
    } finally {
      closeFound(found)
    }
  }

  async #fileOrArchive({ path }: Source, found: Found): Promise<void> {
    const base = path.split('/').at(-1) ?? ''
    if (this.#copier.excludes(path) || this.#copier.excludes(base)) return
    if (this.#part.unpack && (await this.#unpack(found, path))) return
    this.#copier.add(found, this.#target(base))
  }

  /** The contents of a directory into the destination. */
  #contents(found: DirFound): void {
    const { full, missing } = this.#there
    // one that is new, and is not said to be a directory, is as its source
    const isCopied =
      missing.length > 0 &&
      !this.#layer.places.isMade(full) &&
      !this.#part.destination.endsWith('/')
    this.#makeDestination(isCopied ? missing.length - 1 : missing.length)
    if (isCopied) {
      this.#copier.add(found, full)
      this.#layer.places.setMade(full)
    }
    this.#copier.contents(found, full, '')
  }

  /** A source below the destination by its own path. */
  #withParents(source: Source, found: Found): void {
    const { places } = this.#layer
    this.#makeDestination()
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
    this.#makeDestination(this.#there.missing.length, 'unpack')
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
    if (!this.#part.destination.endsWith('/') && kind !== 'dir') {
      this.#layer.places.makeMissing(this.#there, missing.length - 1, 0o755, this.#owner())
      return full
    }
    this.#makeDestination()
    const target = full === '' ? base : `${full}/${base}`
    if (!this.#part.link && this.#layer.places.isDirectory(target))
      throw new InvalidParameterError(`cannot replace to directory /${textOf(target)} with file`)
    return target
  }

  /** The destination as a directory, or the first `count` of the names that are missing in it. */
  #makeDestination(count = this.#there.missing.length, verb: 'copy' | 'unpack' = 'copy'): void {
    if (this.#there.kind === 'file') {
      throw new InvalidParameterError(
        `cannot ${verb} to non-directory: /${textOf(this.#there.full)}`,
      )
    }
    this.#layer.places.makeMissing(this.#there, count, 0o755, this.#owner())
  }

  #owner(): { uid: number; gid: number } {
    return this.#part.owner ?? { uid: 0, gid: 0 }
  }
}
