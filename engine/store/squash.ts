import fs from 'node:fs'
import { DIRECTORY } from '../native/fs.ts'
import { bytesOf } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { rootLevel } from '../tree/look-up.ts'
import { TreeReader } from '../tree/read-tree.ts'
import { closeFound, findMerged } from './merged.ts'
import { mergedNames, topOf } from './merged-tree.ts'
import { writeLayer, writeMark } from './write-layer.ts'
import type { LayerOutput, Packed } from './write-layer.ts'

export interface SquashJob extends LayerOutput {
  /** Trees of the layers that become one, topmost first. */
  upper: string[]
  /** Trees of those below, topmost first. */
  lower: string[]
}

/**
 * Makes one layer of several: what was written over or deleted again among them is not in it, and what they deleted
 * below is deleted by it.
 *
 * Blocks: for worker threads.
 *
 * @see image-spec layer.md, "Whiteouts"
 */
export function squashLayers(job: SquashJob, isCancelled: () => boolean): Packed {
  const roots = [...job.upper, ...job.lower].map((directory) => fs.openSync(directory, DIRECTORY))
  try {
    const upper = roots.slice(0, job.upper.length)
    const lower = roots.slice(job.upper.length)
    return writeLayer(job, isCancelled, (sink) => {
      const squasher = new Squasher(sink)
      squasher.root(upper, lower)
      squasher.contents(upper, lower, '')
    })
  } finally {
    for (const fd of roots) fs.closeSync(fd)
  }
}

class Squasher {
  readonly #sink: TarSink
  readonly #reader: TreeReader

  constructor(sink: TarSink) {
    this.#sink = sink
    this.#reader = new TreeReader(sink, { wholeSeconds: true })
  }

  /** The root's own owner and mode, only where they have changed. */
  root([top = -1]: readonly number[], [below]: readonly number[]): void {
    const { stat } = rootLevel(top)
    const was = below === undefined ? undefined : rootLevel(below).stat
    if (!was || stat.mode !== was.mode || stat.uid !== was.uid || stat.gid !== was.gid)
      this.#reader.addAlone(top, stat, '.')
  }

  /** @param lower directories of this path below, topmost first; none when there is none, or it is hidden */
  contents(upper: readonly number[], lower: readonly number[], prefix: string): void {
    for (const name of mergedNames(upper)) {
      const found = findMerged(upper, bytesOf(name))
      const was = findMerged(lower, bytesOf(name))
      try {
        const full = prefix + name
        if (!found) {
          // deleted again: nothing is to be said of what only these layers had
          if (was) writeMark(this.#sink, `${prefix}.wh.${name}`, was.stat)
          continue
        }
        this.#reader.addAlone(topOf(found), found.stat, full)
        if (found.kind !== 'dir') continue
        const below = was?.kind === 'dir' ? was.fds : []
        if (found.isCut && below.length > 0)
          writeMark(this.#sink, `${full}/.wh..wh..opq`, found.stat)
        this.contents(found.fds, found.isCut ? [] : below, `${full}/`)
      } finally {
        closeFound(found)
        closeFound(was)
      }
    }
  }
}
