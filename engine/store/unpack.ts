import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { EngineError } from '../errors.ts'
import { TarParser } from '../tar/read.ts'
import { decompressWithin } from './decompress-within.ts'
import { LayerWriter } from './layer-writer.ts'
import type { LayerContent } from './layer-writer.ts'
import type { UnpackLimits } from './limits.ts'

export interface UnpackJob {
  /** The layer's archive, compressed or not. */
  blob: string
  /** An existing, empty directory; without one the archive is digested and nothing else. */
  directory?: string
  limits: UnpackLimits
}

export interface Unpacked extends LayerContent {
  /** Digest of the uncompressed archive. */
  diffId: string
}

const READ_SIZE = 256 * 1024

const NOTHING: LayerContent = { sizeBytes: 0, entries: 0, implicitDirectories: [] }

/**
 * Unpacks a layer's archive into a directory. Blocks its thread most of the time: it runs in a worker.
 *
 * @param onRead told the bytes of the blob read so far
 * @param isCancelled asked before each read
 * @throws INVALID_PARAMETER when the archive is at fault
 */
export async function unpackLayer(
  job: UnpackJob,
  onRead: (bytes: number) => void,
  isCancelled: () => boolean,
): Promise<Unpacked> {
  const hash = createHash('sha256')
  const writer =
    job.directory === undefined ? undefined : new LayerWriter(job.directory, job.limits)
  try {
    const parser = writer && new TarParser(writer)
    const source = readChunks(job.blob, (bytes) => {
      if (isCancelled()) throw new EngineError('UNAVAILABLE', 'unpacking was cancelled')
      onRead(bytes)
    })
    for await (const chunk of decompressWithin(source, job.limits)) {
      hash.update(chunk)
      parser?.push(chunk)
    }
    parser?.end()
    return { ...(writer?.finish() ?? NOTHING), diffId: `sha256:${hash.digest('hex')}` }
  } finally {
    writer?.close()
  }
}

/** Chunks that are good until the next one is asked for. */
async function* readChunks(file: string, before: (bytes: number) => void): AsyncGenerator<Buffer> {
  const fd = fs.openSync(file, 'r')
  const buffer = Buffer.allocUnsafeSlow(READ_SIZE)
  try {
    for (let at = 0; ;) {
      before(at)
      const length = fs.readSync(fd, buffer, 0, READ_SIZE, at)
      if (length === 0) return
      at += length
      yield buffer.subarray(0, length)
    }
  } finally {
    fs.closeSync(fd)
  }
}
