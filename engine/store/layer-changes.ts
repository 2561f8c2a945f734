import { closeSync, constants, openSync } from 'node:fs'
import { EngineError, NotImplementedError } from '../errors.ts'
import { DIRECTORY } from '../native/fs.ts'
import type { StatAt } from '../native/fs.ts'
import { textOf } from '../tar/header.ts'
import { isDirectory } from '../tree/look-up.ts'
import { entriesIn, layerRoot } from './layer-walk.ts'
import type { LayerDirectory, LayerEntry } from './layer-walk.ts'

const { S_IFMT, S_IFREG } = constants
/** Hidden files told by name, for each layer. */
const MOST_WORST = 100
/** Directories with changes, and names of hidden hard links, of one layer: some 250 bytes each while they are looked at. */
const MOST_KEPT = 200_000

/** What a layer changes: everything but directories counts as a file. */
export interface LayerChanges {
  /** Of the directories with changes, all below them included; the root is ''. Text. */
  directories: Map<string, DirectoryChanges>
  /** Bytes of files that this layer made unseen, by the number of the layer that has them. */
  hiddenBytes: number[]
  /** The largest of these. */
  worst: HiddenFile[]
  /** Names of hard links among these: bytes are lost when all names of a file are. */
  hiddenLinks: (HiddenFile & { ino: number; nlink: number })[]
}

export interface DirectoryChanges {
  added: number
  modified: number
  removed: number
  /** Of regular files that the layer has, hard links once. */
  sizeBytes: number
  /** Of regular files below that it made unseen. */
  hiddenBytes: number
}

export interface HiddenFile {
  path: string
  sizeBytes: number
  /** Number of the layer that has it. */
  layer: number
}

/**
 * Compares a layer with those below it.
 *
 * Blocks: for worker threads.
 *
 * @param trees directories of the layers, bottom first; the last is the one to compare
 * @throws NOT_IMPLEMENTED for a layer of more changes than are kept at a time
 */
export function layerChangesOf(
  trees: readonly string[],
  isCancelled: () => boolean = () => false,
  mostKept = MOST_KEPT,
): LayerChanges {
  const roots: number[] = []
  try {
    for (const tree of trees) roots.push(openSync(tree, DIRECTORY))
    const sum = new Sum(mostKept)
    const pending = [layerRoot(roots)]
    for (;;) {
      const at = pending.pop()
      if (at === undefined) return sum.finish()
      if (isCancelled()) throw new EngineError('UNAVAILABLE', 'reading the layer was cancelled')
      sum.enter(at)
      for (const entry of entriesIn(roots, at)) {
        sum.add(entry)
        if (entry.directory) pending.push(entry.directory)
        if (entry.hiddenDirectory) pending.push(entry.hiddenDirectory)
      }
    }
  } finally {
    for (const fd of roots) closeSync(fd)
  }
}

class Sum {
  readonly #directories = new Map<string, DirectoryChanges>()
  readonly #hiddenBytes: number[] = []
  readonly #links = new Set<number>()
  readonly #hiddenLinks: LayerChanges['hiddenLinks'] = []
  #worst: HiddenFile[] = []
  /** As small as this is not among the worst. */
  #least = 0
  #here: DirectoryChanges = nothing()
  #prefix = ''
  readonly #mostKept: number

  constructor(mostKept: number) {
    this.#mostKept = mostKept
  }

  enter({ path }: LayerDirectory): void {
    this.#refuseTooMany(this.#directories.size)
    this.#here = nothing()
    this.#directories.set(path, this.#here)
    this.#prefix = path === '' ? '' : `${path}/`
  }

  add({ name, mark, stat, hidden }: LayerEntry): void {
    if (!isDirectory(stat)) {
      this.#here[mark]++
      if (mark !== 'removed') this.#here.sizeBytes += this.#sizeOf(stat)
    }
    if (hidden && isRegular(hidden.stat)) this.#hide(name, hidden)
  }

  finish(): LayerChanges {
    // what is in a directory was entered after it
    for (const [path, changes] of [...this.#directories].reverse()) {
      if (path === '') continue
      const above = this.#directories.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
      if (above === undefined) continue
      above.added += changes.added
      above.modified += changes.modified
      above.removed += changes.removed
      above.sizeBytes += changes.sizeBytes
      above.hiddenBytes += changes.hiddenBytes
    }
    this.#prune()
    return {
      directories: new Map(
        [...this.#directories].map(([path, changes]) => [textOf(path), changes]),
      ),
      hiddenBytes: Array.from(this.#hiddenBytes, (bytes) => bytes ?? 0),
      worst: this.#worst,
      hiddenLinks: this.#hiddenLinks,
    }
  }

  /** An image may have millions of them, for no other reason than to fill our memory. */
  #refuseTooMany(kept: number): void {
    if (kept < this.#mostKept) return
    throw new NotImplementedError(
      `the layer changes more than ${String(this.#mostKept)} directories, or hides as many hard links: too many to be told apart`,
    )
  }

  #sizeOf(stat: StatAt): number {
    if (!isRegular(stat)) return 0
    if (stat.nlink > 1) {
      if (this.#links.has(stat.ino)) return 0
      this.#links.add(stat.ino)
    }
    return stat.size
  }

  #hide(name: string, { stat, layer }: { stat: StatAt; layer: number }): void {
    const file = { path: `/${textOf(this.#prefix + name)}`, sizeBytes: stat.size, layer }
    if (stat.nlink > 1) {
      this.#refuseTooMany(this.#hiddenLinks.length)
      this.#hiddenLinks.push({ ...file, ino: stat.ino, nlink: stat.nlink })
      return
    }
    this.#here.hiddenBytes += stat.size
    this.#hiddenBytes[layer] = (this.#hiddenBytes[layer] ?? 0) + stat.size
    if (stat.size <= this.#least) return
    this.#worst.push(file)
    if (this.#worst.length >= 4 * MOST_WORST) this.#prune()
  }

  #prune(): void {
    this.#worst.sort((a, b) => b.sizeBytes - a.sizeBytes)
    this.#worst = this.#worst.slice(0, MOST_WORST)
    if (this.#worst.length === MOST_WORST) this.#least = this.#worst.at(-1)?.sizeBytes ?? 0
  }
}

function nothing(): DirectoryChanges {
  return { added: 0, modified: 0, removed: 0, sizeBytes: 0, hiddenBytes: 0 }
}

function isRegular(stat: StatAt): boolean {
  return (stat.mode & S_IFMT) === S_IFREG
}
