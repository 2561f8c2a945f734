import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { EngineError } from '../errors.ts'
import { DIRECTORY } from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf, tarHeader } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { isDirectory, openEntry, rootLevel } from '../tree/look-up.ts'
import { namesIn, TreeReader } from '../tree/read-tree.ts'
import { TarWriter } from '../tree/tar-writer.ts'
import { clamped } from './clamp.ts'
import { LayerWriter } from './layer-writer.ts'
import { closeFound, findMerged, isOpaque, isWhiteout } from './merged.ts'
import { isMountPoint } from './mount-points.ts'

export interface PackJob {
  /** A container's writable layer. */
  upper: string
  /** Those below it, topmost first. */
  lower: string[]
  /** A file that is not there: gets the layer's archive. */
  blob: string
  /** An existing, empty directory: gets the layer as overlayfs wants it. */
  directory: string
  /** What else was mounted there, without a slash at its start: as long as it is empty, it was made for that. */
  mountPoints?: readonly string[]
  /** Nothing in the layer is to be younger, in seconds. */
  epochSeconds?: number | undefined
}

export interface Packed {
  /** Digest of the archive. */
  diffId: string
  /** Bytes of the archive. */
  archiveBytes: number
  /** Sum of the files' sizes. */
  sizeBytes: number
  entries: number
  /** Directories that have no member of their own: the root, when its owner and mode have not changed. */
  implicitDirectories: string[]
}

/**
 * Makes a layer of a container's writable directory: its archive, with whiteouts as image-spec has them, and in the same
 * pass its tree, so that both show one and the same moment.
 *
 * Blocks: for worker threads.
 *
 * @param isCancelled asked at each member
 * @see image-spec layer.md, "Representing Changes"
 */
export function packLayer(job: PackJob, isCancelled: () => boolean): Packed {
  const hash = createHash('sha256')
  let archiveBytes = 0
  const blob = fs.openSync(job.blob, 'wx', 0o600)
  const tree = new LayerWriter(job.directory, { maxBytes: Infinity, maxEntries: Infinity })
  const roots: number[] = []
  try {
    const archive = new TarWriter((chunk) => {
      hash.update(chunk)
      archiveBytes += chunk.length
      for (let done = 0; done < chunk.length;) done += fs.writeSync(blob, chunk, done)
    })
    for (const directory of [job.upper, ...job.lower]) roots.push(fs.openSync(directory, DIRECTORY))
    const [upper = -1, ...below] = roots
    const both = new Both(archive, tree, isCancelled, job.epochSeconds)
    new Packer(both, below, job.mountPoints ?? []).pack(upper)
    archive.finish()
    return { ...tree.finish(), diffId: `sha256:${hash.digest('hex')}`, archiveBytes }
  } finally {
    tree.close()
    fs.closeSync(blob)
    for (const fd of roots) fs.closeSync(fd)
  }
}

/** Sends every member to the archive and to the tree. */
class Both implements TarSink {
  readonly #archive: TarWriter
  readonly #tree: LayerWriter
  readonly #isCancelled: () => boolean
  readonly #epochSeconds: number | undefined

  constructor(
    archive: TarWriter,
    tree: LayerWriter,
    isCancelled: () => boolean,
    epochSeconds: number | undefined,
  ) {
    this.#archive = archive
    this.#tree = tree
    this.#isCancelled = isCancelled
    this.#epochSeconds = epochSeconds
  }

  entry(header: TarHeader): void {
    if (this.#isCancelled()) throw new EngineError('UNAVAILABLE', 'the commit was cancelled')
    const told = clamped(header, this.#epochSeconds)
    this.#archive.entry(told)
    this.#tree.entry(told)
  }

  data(chunk: Buffer, offset: number): void {
    this.#archive.data(chunk)
    this.#tree.data(chunk, offset)
  }

  end(): void {
    this.#archive.end()
    this.#tree.end()
  }
}

class Packer {
  readonly #sink: TarSink
  readonly #reader: TreeReader
  readonly #below: readonly number[]
  readonly #mountPoints: MountPoints

  constructor(sink: TarSink, below: readonly number[], mountPoints: readonly string[]) {
    this.#sink = sink
    this.#reader = new TreeReader(sink, { wholeSeconds: true })
    this.#below = below
    this.#mountPoints = new MountPoints(mountPoints)
  }

  pack(upper: number): void {
    const { stat } = rootLevel(upper)
    const was = this.#below[0] === undefined ? undefined : rootLevel(this.#below[0]).stat
    // the root's own owner and mode: in most layers nothing is said of them, so only when they have changed
    if (!was || stat.mode !== was.mode || stat.uid !== was.uid || stat.gid !== was.gid)
      this.#reader.addAlone(upper, stat, '.')
    this.#contents(upper, '')
  }

  #contents(directory: number, prefix: string): void {
    for (const name of namesIn(directory)) {
      const found = openEntry(directory, name)
      if (!found) continue
      try {
        if (isWhiteout(found.stat)) this.#mark(`${prefix}.wh.${name}`, found.stat)
        else this.#entry(found.fd, found.stat, prefix + name)
      } finally {
        fs.closeSync(found.fd)
      }
    }
  }

  #entry(fd: number, stat: StatAt, path: string): void {
    if (this.#isMadeForMounts(fd, stat, path)) return
    this.#reader.addAlone(fd, stat, path)
    if (!isDirectory(stat)) return
    if (isOpaque(fd)) this.#mark(`${path}/.wh..wh..opq`, stat)
    this.#contents(fd, `${path}/`)
  }

  /** A whiteout, or the mark of an opaque directory: an empty file with a name that tells. */
  #mark(name: string, { mtimeSeconds }: StatAt): void {
    this.#sink.entry(tarHeader({ type: 'file', name, mode: 0, mtimeSeconds }))
    this.#sink.end()
  }

  /**
   * Whether there is nothing about it but that something was mounted there or further down: it was made for that, or it
   * was copied up from below for it and is otherwise as it was.
   */
  #isMadeForMounts(fd: number, stat: StatAt, path: string): boolean {
    if (!this.#mountPoints.has(path, stat)) return false
    const below = this.#statBelow(path)
    if (!isDirectory(stat)) return below === undefined
    if (below && !isSameDirectory(stat, below)) return false
    if (below && isOpaque(fd)) return false
    const names = namesIn(fd)
    // a directory that was there and is empty in this layer was touched by somebody else
    if (below && names.length === 0) return false
    return names.every((name) => this.#isMade(fd, name, path))
  }

  #isMade(directory: number, name: string, path: string): boolean {
    const found = openEntry(directory, name)
    if (!found) return true
    try {
      if (isWhiteout(found.stat)) return false
      return this.#isMadeForMounts(found.fd, found.stat, `${path}/${name}`)
    } finally {
      fs.closeSync(found.fd)
    }
  }

  /** What the layers below have at a path. */
  #statBelow(path: string): StatAt | undefined {
    let directories = this.#below
    const opened: ReturnType<typeof findMerged>[] = []
    try {
      for (const name of path.split('/')) {
        const found = findMerged(directories, bytesOf(name))
        opened.push(found)
        if (!found) return undefined
        directories = found.kind === 'dir' ? found.fds : []
      }
      return opened.at(-1)?.stat
    } finally {
      opened.forEach(closeFound)
    }
  }
}

function isSameDirectory(one: StatAt, other: StatAt): boolean {
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid
}

/** Where something was mounted, and the directories above. */
class MountPoints {
  readonly #own: ReadonlySet<string>
  readonly #above: ReadonlySet<string>

  constructor(own: readonly string[]) {
    this.#own = new Set(own)
    this.#above = new Set(
      own.flatMap((path) => {
        const names = path.split('/')
        return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
      }),
    )
  }

  has(path: string, stat: StatAt): boolean {
    if (isMountPoint(path, stat)) return true
    if (isDirectory(stat)) return this.#own.has(path) || this.#above.has(path)
    return this.#own.has(path) && stat.size === 0
  }
}
