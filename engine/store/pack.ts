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
    const both = new Both(archive, tree, isCancelled)
    new Packer(both, below).pack(upper)
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

  constructor(archive: TarWriter, tree: LayerWriter, isCancelled: () => boolean) {
    this.#archive = archive
    this.#tree = tree
    this.#isCancelled = isCancelled
  }

  entry(header: TarHeader): void {
    if (this.#isCancelled()) throw new EngineError('UNAVAILABLE', 'the commit was cancelled')
    this.#archive.entry(header)
    this.#tree.entry(header)
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

  constructor(sink: TarSink, below: readonly number[]) {
    this.#sink = sink
    this.#reader = new TreeReader(sink, { wholeSeconds: true })
    this.#below = below
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
    if (isMountPoint(path, stat) && !this.#isBelow(path)) {
      if (!isDirectory(stat) || namesIn(fd).every((name) => this.#isMade(fd, name, path))) return
    }
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

  #isMade(directory: number, name: string, path: string): boolean {
    const found = openEntry(directory, name)
    if (!found) return true
    fs.closeSync(found.fd)
    return isMountPoint(`${path}/${name}`, found.stat) && !this.#isBelow(`${path}/${name}`)
  }

  #isBelow(path: string): boolean {
    let directories = this.#below
    const opened: ReturnType<typeof findMerged>[] = []
    try {
      for (const name of path.split('/')) {
        const found = findMerged(directories, bytesOf(name))
        opened.push(found)
        if (!found) return false
        directories = found.kind === 'dir' ? found.fds : []
      }
      return true
    } finally {
      opened.forEach(closeFound)
    }
  }
}
