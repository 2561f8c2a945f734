import { Readable } from 'node:stream'
import { EngineError } from '../errors.ts'
import { TarParser } from './read.ts'

/**
 * The content of an archive's only file, while the archive is read. Destroying it destroys the archive.
 *
 * @returns a stream that fails with INVALID_PARAMETER on what is no archive, SYSTEM when it holds something else
 */
export function contentOf(tar: Readable): Readable {
  return Readable.from(pieces(tar), { objectMode: false, highWaterMark: 256 * 1024 })
}

async function* pieces(tar: Readable): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = []
  const parser = new TarParser({
    entry: (header) => {
      if (header.type !== 'file' || header.sparse)
        throw new EngineError('SYSTEM', 'it was replaced by something else while it was being read')
    },
    // good until this returns only
    data: (chunk) => gathered.push(Buffer.from(chunk)),
    end: () => undefined,
  })
  try {
    for await (const chunk of tar) {
      parser.push(chunk as Buffer)
      const ready = gathered
      gathered = []
      yield* ready
    }
    parser.end()
  } finally {
    tar.destroy()
  }
}
