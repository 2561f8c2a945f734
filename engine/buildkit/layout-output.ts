import type { ClientContent } from '../contract/builds.ts'
import { isDigest } from '../oci/digest.ts'
import { TarParser } from '../tar/read.ts'

/** A member of an archive, what is in it, and its end. */
type Piece = { name: string; size: number } | Buffer | 'end'

/**
 * Writes the blobs of an archive in OCI's layout into a directory of the client's. The rest of a layout is the client's own
 * to write, of the manifest that it is told of.
 *
 * @param told how many bytes more have been sent
 */
export async function sendBlobs(
  tar: AsyncIterable<Buffer>,
  content: ClientContent,
  signal: AbortSignal,
  told: (bytes: number) => void,
): Promise<void> {
  const pieces = piecesOf(tar)
  try {
    for (;;) {
      const { done, value: piece } = await pieces.next()
      if (done === true) return
      if (piece === 'end' || Buffer.isBuffer(piece)) continue
      const [, algorithm = '', hex = ''] = /^blobs\/([^/]+)\/([^/]+)$/.exec(piece.name) ?? []
      const digest = `${algorithm}:${hex}`
      if (!isDigest(digest)) continue
      await content.write({ digest, size: piece.size }, dataOf(pieces, told), signal)
    }
  } finally {
    await pieces.return(undefined)
  }
}

/** What is in the member that has begun. What the reader leaves of it is passed over by who asks for the next one. */
async function* dataOf(
  pieces: AsyncGenerator<Piece, void>,
  told: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for (;;) {
    const { done, value: piece } = await pieces.next()
    if (done === true || !Buffer.isBuffer(piece)) return
    yield piece
    told(piece.length)
  }
}

async function* piecesOf(tar: AsyncIterable<Buffer>): AsyncGenerator<Piece, void> {
  let pieces: Piece[] = []
  const parser = new TarParser({
    entry: ({ name, size }) => pieces.push({ name, size }),
    data: (chunk) => pieces.push(Buffer.from(chunk)),
    end: () => pieces.push('end'),
  })
  for await (const chunk of tar) {
    parser.push(chunk)
    yield* pieces
    pieces = []
  }
  parser.end()
  yield* pieces
}
