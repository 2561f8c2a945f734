import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { DIRECTORY } from '../native/fs.ts'
import { nameOf } from '../tar/header.ts'
import type { TarSink } from '../tar/read.ts'
import { TarWriter } from '../tree/tar-writer.ts'
import { copyInto } from './compose/copy.ts'
import type { Composed, ComposeJob } from './compose/job.ts'
import { Places } from './compose/places.ts'
import { DigestSink, LayerSink } from './compose/sinks.ts'
import { LayerWriter } from './layer-writer.ts'

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
    const mtimeSeconds = job.epochSeconds ?? Math.floor(Date.now() / 1000)
    const places = new Places(sink, opened.open(job.lower), mtimeSeconds)
    const layer = { sink, places, limits: job.limits, mtimeSeconds }
    for (const part of job.parts) {
      if (part.kind === 'directory') places.makeDirectory(nameOf(part.path), part.mode, part.owner)
      else await copyInto(layer, part, opened.open(part.from))
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
