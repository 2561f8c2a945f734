import { pipeline, Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { EngineError } from '../errors.ts'
import { TarParser } from './read.ts'

/**
 * The content of an archive's only file, while the archive is read: as many bytes as were told of before, however the file
 * has grown since. Destroying either destroys the other.
 *
 * @returns a stream that fails with INVALID_PARAMETER on what is no archive, SYSTEM when it holds something else, or less
 */
export function contentOf(tar: Readable, sizeBytes: number): Readable {
  let left = sizeBytes
  const parser = new TarParser({
    entry: (header) => {
      if (header.type !== 'file' || header.sparse)
        throw new EngineError('SYSTEM', 'it was replaced by something else while it was being read')
    },
    data: (chunk) => {
      const wanted = chunk.subarray(0, left)
      left -= wanted.length
      // good until this returns only
      if (wanted.length > 0) content.push(Buffer.from(wanted))
    },
    end: () => {
      if (left > 0) throw new EngineError('SYSTEM', 'it became shorter while it was being read')
    },
  })
  const content = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      attempt(() => parser.push(chunk), done)
    },
    flush: (done) => {
      attempt(() => parser.end(), done)
    },
  })
  pipeline(tar, content, () => {
    // whoever reads the content is told by it
  })
  return content
}

function attempt(step: () => void, done: (error?: Error) => void): void {
  try {
    step()
  } catch (error) {
    done(error as Error)
    return
  }
  done()
}
