import { pipeline, Transform } from 'node:stream'
import type { Readable } from 'node:stream'
import { EngineError } from '../errors.ts'
import { TarParser } from './read.ts'

/**
 * The content of an archive's only file, while the archive is read. Destroying either destroys the other.
 *
 * @returns a stream that fails with INVALID_PARAMETER on what is no archive, SYSTEM when it holds something else
 */
export function contentOf(tar: Readable): Readable {
  const parser = new TarParser({
    entry: (header) => {
      if (header.type !== 'file' || header.sparse)
        throw new EngineError('SYSTEM', 'it was replaced by something else while it was being read')
    },
    // good until this returns only
    data: (chunk) => void content.push(Buffer.from(chunk)),
    end: () => undefined,
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
