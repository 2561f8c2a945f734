import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { EngineError } from '../errors.ts'
import { tarHeader } from '../tar/header.ts'
import type { TarHeader } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { TarWriter } from '../tree/tar-writer.ts'
import { clamped } from './clamp.ts'
import { LayerWriter } from './layer-writer.ts'

/** Where a layer that is made here goes. */
export interface LayerOutput {
  /** A file that is not there: gets the layer's archive. */
  blob: string
  /** An existing, empty directory: gets the layer as overlayfs wants it. */
  directory: string
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
 * Writes a layer's archive and its tree in one pass, so that both show one and the same moment.
 *
 * Blocks: for worker threads.
 *
 * @param output where to
 * @param isCancelled asked at each member
 * @param fill gives the members, whiteouts as image-spec has them
 */
export function writeLayer(
  output: LayerOutput,
  isCancelled: () => boolean,
  fill: (sink: TarSink) => void,
): Packed {
  const hash = createHash('sha256')
  let archiveBytes = 0
  const blob = fs.openSync(output.blob, 'wx', 0o600)
  const tree = new LayerWriter(output.directory, { maxBytes: Infinity, maxEntries: Infinity })
  try {
    const archive = new TarWriter((chunk) => {
      hash.update(chunk)
      archiveBytes += chunk.length
      for (let done = 0; done < chunk.length;) done += fs.writeSync(blob, chunk, done)
    })
    fill(new Both(archive, tree, isCancelled, output.epochSeconds))
    archive.finish()
    return { ...tree.finish(), diffId: `sha256:${hash.digest('hex')}`, archiveBytes }
  } finally {
    tree.close()
    fs.closeSync(blob)
  }
}

/** A whiteout, or the mark of an opaque directory: an empty file with a name that tells. */
export function writeMark(
  sink: TarSink,
  name: string,
  { mtimeSeconds }: { mtimeSeconds: number },
): void {
  sink.entry(tarHeader({ type: 'file', name, mode: 0, mtimeSeconds }))
  sink.end()
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
