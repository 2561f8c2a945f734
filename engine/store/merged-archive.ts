import fs from 'node:fs'
import { EngineError } from '../errors.ts'
import { DIRECTORY } from '../native/fs.ts'
import type { TarSink } from '../tar/read.ts'
import { TreeReader } from '../tree/read-tree.ts'
import { eachMerged, topOf } from './merged-tree.ts'

/** As deep as a program can name. @see PATH_MAX */
const MAX_DEPTH = 2048

/**
 * Reads all that merged layers show into an archive, as overlayfs would show it, without a mount.
 *
 * Blocks: for worker threads.
 *
 * @param trees directories of the layers, topmost first
 */
export function archiveMerged(trees: readonly string[], sink: TarSink): void {
  const roots: number[] = []
  try {
    for (const tree of trees) roots.push(fs.openSync(tree, DIRECTORY))
    addContents(new TreeReader(sink, { wholeSeconds: true }), roots, '', 0)
  } finally {
    for (const fd of roots) fs.closeSync(fd)
  }
}

function addContents(
  reader: TreeReader,
  directories: readonly number[],
  prefix: string,
  depth: number,
): void {
  if (depth > MAX_DEPTH)
    throw new EngineError('SYSTEM', `directories are nested deeper than ${String(MAX_DEPTH)}`)
  eachMerged(directories, (name, found) => {
    reader.addAlone(topOf(found), found.stat, prefix + name)
    if (found.kind === 'dir') addContents(reader, found.fds, `${prefix}${name}/`, depth + 1)
  })
}
