import fs from 'node:fs'
import { DIRECTORY } from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import { bytesOf } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { isDirectory, openEntry, rootLevel } from '../tree/look-up.ts'
import { namesIn, TreeReader } from '../tree/read-tree.ts'
import { closeFound, findMerged, isOpaque, isWhiteout } from './merged.ts'
import { isMountPoint } from './mount-points.ts'
import { writeLayer, writeMark } from './write-layer.ts'
import type { LayerOutput, Packed } from './write-layer.ts'

export interface PackJob extends LayerOutput {
  /** A container's writable layer. */
  upper: string
  /** Those below it, topmost first. */
  lower: string[]
  /** What else was mounted there, without a slash at its start: as long as it is empty, it was made for that. */
  mountPoints?: readonly string[]
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
  const roots: number[] = []
  try {
    for (const directory of [job.upper, ...job.lower]) roots.push(fs.openSync(directory, DIRECTORY))
    const [upper = -1, ...below] = roots
    return writeLayer(job, isCancelled, (sink) => {
      new Packer(sink, below, job.mountPoints ?? []).pack(upper)
    })
  } finally {
    for (const fd of roots) fs.closeSync(fd)
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
        if (isWhiteout(found.stat)) writeMark(this.#sink, `${prefix}.wh.${name}`, found.stat)
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
    if (isOpaque(fd)) writeMark(this.#sink, `${path}/.wh..wh..opq`, stat)
    this.#contents(fd, `${path}/`)
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
