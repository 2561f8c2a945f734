import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import fs from 'node:fs'
import { IgnoreRules } from '../tree/ignore-rules.ts'
import { pathPattern } from '../tree/path-pattern.ts'
import { EngineError, InvalidParameterError } from '../errors.ts'
import { DIRECTORY } from '../native/fs.ts'
import { checksums, nameOf, tarHeader, textOf } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import { TarParser } from '../tar/read.ts'
import type { TarSink } from '../tar/read.ts'
import { TreeReader } from '../tree/read-tree.ts'
import { TarWriter } from '../tree/tar-writer.ts'
import { clamped } from './clamp.ts'
import { decompressWithin } from './decompress-within.ts'
import { parseModeChange } from './file-mode.ts'
import type { ModeChange } from './file-mode.ts'
import { LayerWriter } from './layer-writer.ts'
import { tooManyBytes, tooManyMembers } from './limits.ts'
import type { UnpackLimits } from './limits.ts'
import { closeFound } from './merged.ts'
import type { Found } from './merged.ts'
import { eachMerged, mergedNames, placeInMerged, topOf } from './merged-tree.ts'
import type { Packed } from './write-layer.ts'

/** What a layer is put together from, one after the other. */
export type ComposePart =
  { kind: 'directory'; path: string; mode: number } | ({ kind: 'copy' } & CopyPart)

export interface CopyPart {
  /** Layers of the tree that is copied from, topmost first. */
  from: string[]
  /** Paths or patterns in it. Of a directory its contents are copied. */
  sources: string[]
  /** Files that are given by their content. */
  files: { name: string; content: string }[]
  /** Absolute; a slash at its end makes it a directory. */
  destination: string
  /** undefined: as in the source. */
  owner: { uid: number; gid: number } | undefined
  /** For `parseModeChange`. */
  chmod: string | undefined
  excludes: string[]
  /** Keep the paths of the sources, from a `/./` in them on. */
  parents: boolean
  /** Archives are unpacked. */
  unpack: boolean
  /** Do not look at what is below: links there are not followed, and directories are made anew. */
  link: boolean
}

export interface ComposeJob {
  /** Trees below the layer, topmost first. */
  lower: string[]
  parts: ComposePart[]
  /** Nothing is younger than this, in seconds; what has no time of its own gets it. */
  epochSeconds: number | undefined
  /** Of each archive that is unpacked. */
  limits: UnpackLimits
  /** Where to, as PackJob has it; undefined: only the digest is wanted. */
  output: { blob: string; directory: string } | undefined
}

export interface Composed {
  /** Of all that the layer holds, but for times. */
  digest: string
  packed: Packed | undefined
}

/**
 * Puts a layer together from files of other trees: its archive, its tree and the digest of its content in one pass, without
 * anything being mounted.
 *
 * Blocks: for worker threads.
 *
 * @throws INVALID_PARAMETER in Docker's words when a source is not there or does not fit in its place
 */
export async function composeLayer(job: ComposeJob, isCancelled: () => boolean): Promise<Composed> {
  const digest = new DigestSink()
  const sinks: TarSink[] = [digest]
  const archiveHash = createHash('sha256')
  let archiveBytes = 0
  let archive: TarWriter | undefined
  let tree: LayerWriter | undefined
  const blob = job.output ? fs.openSync(job.output.blob, 'wx', 0o600) : undefined
  const opened = new Trees()
  try {
    if (job.output && blob !== undefined) {
      archive = new TarWriter((chunk) => {
        archiveHash.update(chunk)
        archiveBytes += chunk.length
        for (let done = 0; done < chunk.length;) done += fs.writeSync(blob, chunk, done)
      })
      tree = new LayerWriter(job.output.directory, { maxBytes: Infinity, maxEntries: Infinity })
      sinks.push(archive, tree)
    }
    const sink = new LayerSink(sinks, job.epochSeconds, isCancelled)
    const composer = new Composer(sink, opened.open(job.lower), job)
    for (const part of job.parts) {
      if (part.kind === 'directory') composer.makeDirectory(nameOf(part.path), part.mode)
      else await composer.copy(part, opened.open(part.from))
    }
    archive?.finish()
    const content = tree?.finish()
    const packed = content && {
      ...content,
      diffId: `sha256:${archiveHash.digest('hex')}`,
      archiveBytes,
    }
    return { digest: digest.finish(), packed }
  } finally {
    tree?.close()
    if (blob !== undefined) fs.closeSync(blob)
    opened.close()
  }
}

/** The roots of trees, open. */
class Trees {
  readonly #fds: number[] = []

  open(directories: readonly string[]): number[] {
    return directories.map((directory) => {
      const fd = fs.openSync(directory, DIRECTORY)
      this.#fds.push(fd)
      return fd
    })
  }

  close(): void {
    for (const fd of this.#fds) fs.closeSync(fd)
  }
}

/** Where everything goes: members with names as they are in the layer. */
class LayerSink implements TarSink {
  readonly #sinks: readonly TarSink[]
  readonly #epoch: number | undefined
  readonly #isCancelled: () => boolean

  constructor(sinks: readonly TarSink[], epoch: number | undefined, isCancelled: () => boolean) {
    this.#sinks = sinks
    this.#epoch = epoch
    this.#isCancelled = isCancelled
  }

  entry(header: TarHeader): void {
    if (this.#isCancelled()) throw new EngineError('UNAVAILABLE', 'the build was cancelled')
    const base = header.name.replace(/\/+$/, '').split('/').at(-1) ?? ''
    if (base.startsWith('.wh.')) {
      throw new InvalidParameterError(
        `${textOf(header.name)}: a layer cannot hold a file of this name, which means that one was deleted`,
      )
    }
    const told = clamped(header, this.#epoch)
    for (const sink of this.#sinks) sink.entry(told)
  }

  data(chunk: Buffer, offset: number): void {
    for (const sink of this.#sinks) sink.data(chunk, offset)
  }

  end(): void {
    for (const sink of this.#sinks) sink.end()
  }
}

/** Digests members in their order, without times: a file that was only touched is the same. */
class DigestSink implements TarSink {
  readonly #hash: Hash = createHash('sha256')

  entry(header: TarHeader): void {
    const { deviceMajor, deviceMinor, gid, linkName, mode, name, size, type, uid, xattrs } = header
    const attributes = [...xattrs].map(([key, value]) => [key, value.toString('base64')])
    this.#hash.update(
      JSON.stringify([
        type, name, mode, uid, gid, size, linkName, deviceMajor, deviceMinor, attributes.sort(),
      ]), // prettier-ignore
    )
  }

  data(chunk: Buffer): void {
    this.#hash.update(chunk)
  }

  end(): void {
    this.#hash.update('\n')
  }

  finish(): string {
    return this.#hash.digest('hex')
  }
}

type Owner = { uid: number; gid: number }

class Composer {
  readonly #sink: LayerSink
  readonly #lower: readonly number[]
  readonly #now: number
  readonly #limits: UnpackLimits
  /** Directories that this layer has made, by their whole names. */
  readonly #made = new Set<string>()

  constructor(
    sink: LayerSink,
    lower: readonly number[],
    { epochSeconds, limits }: Pick<ComposeJob, 'epochSeconds' | 'limits'>,
  ) {
    this.#sink = sink
    this.#lower = lower
    this.#limits = limits
    this.#now = epochSeconds ?? Math.floor(Date.now() / 1000)
  }

  /** A directory and those above it, where they are missing. Gives its whole name, links followed. */
  makeDirectory(path: string, mode: number, owner: Owner = { uid: 0, gid: 0 }): string {
    const place = this.#place(path, false)
    if (place.kind === 'file')
      throw new InvalidParameterError(`cannot make directory ${textOf(path)}: it is a file`)
    this.#makeMissing(place, place.missing.length, mode, owner)
    return place.full
  }

  async copy(part: CopyPart, from: readonly number[]): Promise<void> {
    const change = part.chmod === undefined ? undefined : parseModeChange(part.chmod)
    const rules = new IgnoreRules(part.excludes)
    const sources = part.sources.flatMap((source) => new Sources(from).find(source))
    const isDirectory = part.destination.endsWith('/')
    const destination = nameOf(part.destination)
    const there = this.#place(destination, part.link)
    const intoDirectory = isDirectory || there.kind === 'dir'
    if (!intoDirectory && sources.length + part.files.length > 1) {
      throw new InvalidParameterError(
        'When using COPY with more than one source file, the destination must be a directory and end with a /',
      )
    }
    const copier = new Copier({
      sink: this.#sink,
      owner: part.owner,
      change,
      rules,
    })
    const owner = part.owner ?? { uid: 0, gid: 0 }
    for (const { name, content } of part.files) {
      const target = this.#target(there, intoDirectory, nameOf(name), owner, part.link)
      const bytes = Buffer.from(content)
      copier.file(target, bytes, this.#now)
    }
    for (const source of sources) {
      const place = placeInMerged(from, source.path)
      if (!place.found) throw notFound(source.path)
      const { found } = place
      try {
        if (part.parents) this.#withParents(copier, from, source, found, there, owner)
        else if (found.kind === 'dir') this.#contents(copier, found, there, isDirectory, owner)
        else {
          const base = source.path.split('/').at(-1) ?? ''
          if (rules.excludes(textOf(source.path)) || rules.excludes(textOf(base))) continue
          if (part.unpack && (await this.#unpack(copier, found, source.path, there, owner)))
            continue
          copier.add(found, this.#target(there, intoDirectory, base, owner, part.link))
        }
      } finally {
        closeFound(found)
      }
    }
  }

  /** The contents of a directory into the destination. */
  #contents(copier: Copier, found: DirFound, there: Target, hasSlash: boolean, owner: Owner): void {
    if (there.kind === 'file')
      throw new InvalidParameterError(`cannot copy to non-directory: /${textOf(there.full)}`)
    const isNew = there.missing.length > 0 && !this.#made.has(there.full)
    this.#makeMissing(there, there.missing.length - (isNew && !hasSlash ? 1 : 0), 0o755, owner)
    if (isNew && !hasSlash && !this.#made.has(there.full)) {
      copier.add(found, there.full)
      this.#made.add(there.full)
    }
    copier.contents(found, there.full, '')
  }

  /** A source below the destination by its own path. */
  #withParents(
    copier: Copier,
    from: readonly number[],
    source: Source,
    found: Found,
    there: Target,
    owner: Owner,
  ): void {
    if (there.kind === 'file')
      throw new InvalidParameterError(`cannot copy to non-directory: /${textOf(there.full)}`)
    this.#makeMissing(there, there.missing.length, 0o755, owner)
    const names = source.kept.split('/').filter((name) => name !== '')
    const cut = source.path.split('/').filter((name) => name !== '')
    const above = cut.slice(0, cut.length - names.length)
    let target = there.full
    for (const [index, name] of names.entries()) {
      target = target === '' ? name : `${target}/${name}`
      const isLast = index === names.length - 1
      if (isLast) break
      if (this.#made.has(target)) continue
      const parent = placeInMerged(from, [...above, ...names.slice(0, index + 1)].join('/'))
      try {
        if (parent.found) copier.add(parent.found, target)
        this.#made.add(target)
      } finally {
        closeFound(parent.found)
      }
    }
    if (found.kind === 'dir') {
      if (names.length > 0 && !this.#made.has(target)) copier.add(found, target)
      this.#made.add(target)
      copier.contents(found, target, source.kept.replace(/\/+$/, ''))
    } else if (!copier.excludes(source.kept)) copier.add(found, target)
  }

  /** Unpacks a file when it is an archive. */
  async #unpack(
    copier: Copier,
    found: Found,
    source: string,
    there: Target,
    owner: Owner,
  ): Promise<boolean> {
    if (found.kind !== 'file') return false
    const archive = await openArchive(found.fd, textOf(source), this.#limits)
    if (!archive) return false
    if (there.kind === 'file')
      throw new InvalidParameterError(`cannot unpack to non-directory: /${textOf(there.full)}`)
    this.#makeMissing(there, there.missing.length, 0o755, owner)
    const sink = copier.under(there.full)
    let bytes = 0
    let members = 0
    const parser = new TarParser({
      entry: (header) => {
        if (++members > this.#limits.maxEntries) throw tooManyMembers(this.#limits)
        sink.entry(header)
      },
      data: (chunk, offset) => sink.data(chunk, offset),
      end: () => sink.end(),
    })
    for await (const chunk of archive) {
      bytes += chunk.length
      if (bytes > this.#limits.maxBytes) throw tooManyBytes(this.#limits)
      parser.push(chunk)
    }
    parser.end()
    return true
  }

  /** The whole name of a file that is copied; what is missing above it is made. */
  #target(
    there: Target,
    intoDirectory: boolean,
    base: string,
    owner: Owner,
    link: boolean,
  ): string {
    if (!intoDirectory) {
      this.#makeMissing(there, there.missing.length - 1, 0o755, owner)
      return there.full
    }
    if (there.kind === 'file')
      throw new InvalidParameterError(`cannot copy to non-directory: /${textOf(there.full)}`)
    this.#makeMissing(there, there.missing.length, 0o755, owner)
    const full = there.full === '' ? base : `${there.full}/${base}`
    const inside = this.#placeOfEntry(full, link)
    if (inside === 'dir')
      throw new InvalidParameterError(`cannot replace to directory /${textOf(full)} with file`)
    return full
  }

  #placeOfEntry(full: string, link: boolean): 'dir' | 'file' | 'none' {
    if (link) return 'none'
    const slash = full.lastIndexOf('/')
    const parent = placeInMerged(this.#lower, slash < 0 ? '' : full.slice(0, slash))
    try {
      if (parent.found?.kind !== 'dir') return 'none'
      const entry = placeInMerged(parent.found.fds, full.slice(slash + 1))
      closeFound(entry.found)
      return entry.found?.kind === 'dir' && entry.names.length === 1 ? 'dir' : 'none'
    } finally {
      closeFound(parent.found)
    }
  }

  #place(path: string, link: boolean): Target {
    if (link) {
      const names = path.split('/').filter((name) => name !== '')
      return this.#targetOf([], names, undefined)
    }
    let place
    try {
      place = placeInMerged(this.#lower, path)
    } catch (error) {
      throw new InvalidParameterError(textOf((error as Error).message), { cause: error })
    }
    closeFound(place.found)
    return this.#targetOf(place.names, place.missing, place.found?.kind)
  }

  #targetOf(names: string[], missing: string[], found: Found['kind'] | undefined): Target {
    const full = [...names, ...missing].join('/')
    const isMade = missing.length > 0 && this.#made.has(full)
    const kind = isMade || found === 'dir' ? 'dir' : found === undefined ? 'none' : 'file'
    return { full, missing, kind: missing.length === 0 && found === undefined ? 'dir' : kind }
  }

  /** Makes the first `count` of the directories that are missing. */
  #makeMissing({ full, missing }: Target, count: number, mode: number, owner: Owner): void {
    const names = full === '' ? [] : full.split('/')
    const first = names.length - missing.length
    for (let length = first + 1; length <= first + count; length++) {
      const name = names.slice(0, length).join('/')
      if (this.#made.has(name)) continue
      this.#made.add(name)
      const header = { type: 'dir', name: `${name}/`, mode, ...owner } as const
      this.#sink.entry(tarHeader({ ...header, mtimeSeconds: this.#now }))
      this.#sink.end()
    }
  }
}

type DirFound = Extract<Found, { kind: 'dir' }>

interface Target {
  /** Without a slash at its start; links followed. */
  full: string
  missing: string[]
  kind: 'dir' | 'file' | 'none'
}

/** Reads what is copied and gives it its name, owner and mode in the layer. */
class Copier {
  readonly #sink: TarSink
  readonly #reader: TreeReader
  readonly #owner: Owner | undefined
  readonly #change: ModeChange | undefined
  readonly #rules: IgnoreRules

  constructor(options: {
    sink: TarSink
    owner: Owner | undefined
    change: ModeChange | undefined
    rules: IgnoreRules
  }) {
    this.#sink = options.sink
    this.#owner = options.owner
    this.#change = options.change
    this.#rules = options.rules
    this.#reader = new TreeReader({
      entry: (header) => {
        this.#sink.entry(this.#dressed(header))
      },
      data: (chunk, offset) => {
        this.#sink.data(chunk, offset)
      },
      end: () => {
        this.#sink.end()
      },
    })
  }

  excludes(path: string): boolean {
    return this.#rules.excludes(textOf(path))
  }

  /** One file, or a directory without what is in it. */
  add(found: Found, target: string): void {
    this.#reader.addAlone(topOf(found), found.stat, target)
  }

  /** A file that is given by its content. */
  file(target: string, content: Buffer, mtimeSeconds: number): void {
    const header = tarHeader({ type: 'file', name: target, size: content.length, mtimeSeconds })
    this.#sink.entry(this.#dressed(header))
    if (content.length > 0) this.#sink.data(content, 0)
    this.#sink.end()
  }

  /** All that is in a directory, but for what is excluded. An excluded directory is there when something in it is. */
  contents(
    found: DirFound,
    target: string,
    relative: string,
    before: () => void = () => undefined,
  ): void {
    eachMerged(found.fds, (name, entry) => {
      const path = relative === '' ? name : `${relative}/${name}`
      const full = target === '' ? name : `${target}/${name}`
      const isOut = this.#rules.excludes(textOf(path))
      if (isOut && !(entry.kind === 'dir' && this.#rules.hasExceptions)) return
      let isTold = false
      const tell = (): void => {
        before()
        if (!isTold) this.add(entry, full)
        isTold = true
      }
      if (!isOut) tell()
      if (entry.kind === 'dir') this.contents(entry, full, path, tell)
    })
  }

  /** Takes an archive's members to their places below a directory. */
  under(target: string): TarSink {
    let isSkipped = false
    return {
      entry: (header) => {
        const name = cleanName(header.name)
        isSkipped = name === ''
        if (isSkipped) return
        const prefix = target === '' ? '' : `${target}/`
        const ending = header.type === 'dir' ? '/' : ''
        const linkName =
          header.type === 'link' ? `${prefix}${cleanName(header.linkName)}` : header.linkName
        this.#sink.entry(
          this.#dressed({ ...header, name: `${prefix}${name}${ending}`, linkName }, true),
        )
      },
      data: (chunk, offset) => {
        if (!isSkipped) this.#sink.data(chunk, offset)
      },
      end: () => {
        if (!isSkipped) this.#sink.end()
      },
    }
  }

  #dressed(header: TarHeader, isUnpacked = false): TarHeader {
    const { uid, gid } = this.#owner ?? header
    const hasMode = header.type !== 'symlink' && this.#change !== undefined && !isUnpacked
    const mode = hasMode
      ? (this.#change?.(header.mode, header.type === 'dir') ?? header.mode)
      : header.mode
    return { ...header, uid, gid, mode, userName: '', groupName: '' }
  }
}

function cleanName(name: string): string {
  const kept: string[] = []
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue
    if (component !== '..') kept.push(component)
    else if (kept.pop() === undefined)
      throw new InvalidParameterError(`${textOf(name)} in the archive leads out of it`)
  }
  return kept.join('/')
}

interface Source {
  /** Without a slash at its start. */
  path: string
  /** The part that `--parents` keeps. */
  kept: string
}

/** Finds what sources mean in a tree. */
class Sources {
  readonly #from: readonly number[]

  constructor(from: readonly number[]) {
    this.#from = from
  }

  /** @throws INVALID_PARAMETER when a path without wildcards is not there */
  find(text: string): Source[] {
    const source = nameOf(text)
    const pivot = source.indexOf('/./')
    const cut = pivot < 0 ? 0 : partsOf(source.slice(0, pivot)).length
    const parts = partsOf(source)
    if (!parts.some((part) => /[*?[\\]/.test(part))) {
      const path = parts.join('/')
      const place = placeInMerged(this.#from, path)
      closeFound(place.found)
      if (!place.found) throw notFound(path)
      return [{ path, kept: parts.slice(cut).join('/') }]
    }
    const found = new Set<string>()
    this.#expand('', parts, found)
    return [...found].sort().map((path) => ({ path, kept: path.split('/').slice(cut).join('/') }))
  }

  #expand(prefix: string, parts: readonly string[], found: Set<string>): void {
    const [part, ...rest] = parts
    if (part === undefined) {
      if (prefix !== '') found.add(prefix)
      return
    }
    const place = placeInMerged(this.#from, prefix)
    try {
      if (place.found?.kind !== 'dir') return
      const fits = pathPattern(part === '**' ? '*' : textOf(part))
      if (part === '**') this.#expand(prefix, rest, found)
      for (const name of mergedNames(place.found.fds)) {
        if (!fits(textOf(name))) continue
        const path = prefix === '' ? name : `${prefix}/${name}`
        const entry = placeInMerged(this.#from, path)
        closeFound(entry.found)
        if (!entry.found) continue
        if (part !== '**') this.#expand(path, rest, found)
        else if (entry.found.kind === 'dir') this.#expand(path, parts, found)
        else if (rest.length === 0) found.add(path)
      }
    } finally {
      closeFound(place.found)
    }
  }
}

/** Components of a path, `..` taken back by its text and never above the root. */
function partsOf(path: string): string[] {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts
}

function notFound(path: string): InvalidParameterError {
  return new InvalidParameterError(
    `file not found in build context or excluded by .dockerignore: stat ${textOf(path)}: file does not exist`,
  )
}

const READ_BYTES = 256 * 1024

/** A file's content without its compression when it is an archive; undefined when it is none. */
async function openArchive(
  fd: number,
  name: string,
  limits: UnpackLimits,
): Promise<AsyncIterable<Buffer> | undefined> {
  const chunks = decompressWithin(readFrom(fd), limits, { byPrograms: true })
  let start: Buffer = Buffer.alloc(0)
  try {
    while (start.length < 512) {
      const next = await chunks.next()
      if (next.done) break
      start = Buffer.concat([start, next.value])
    }
  } catch (error) {
    // broken: told where an archive was meant, else it is just a file
    if (/\.(tar|tgz|tar\.\w+|txz|tbz2?)$/i.test(name)) throw error
    return undefined
  }
  if (!isTarHeader(start)) {
    await chunks.return(undefined)
    return undefined
  }
  return {
    async *[Symbol.asyncIterator]() {
      yield start
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
        yield next.value
    },
  }
}

function isTarHeader(start: Buffer): boolean {
  if (start.length < 512 || start.subarray(0, 512).every((byte) => byte === 0)) return false
  const stored = parseInt(
    start
      .toString('latin1', 148, 156)
      .replace(/[\0 ]+$/, '')
      .trim(),
    8,
  )
  const { signed, unsigned } = checksums(start.subarray(0, 512))
  return stored === unsigned || stored === signed
}

/** Chunks that are good until the next one is asked for. */
async function* readFrom(fd: number): AsyncGenerator<Buffer> {
  const file = await fs.promises.open(`/proc/self/fd/${fd}`, 'r')
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  try {
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
