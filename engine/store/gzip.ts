import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import os from 'node:os'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { freeBuffer } from '../free-buffer.ts'

const gzipped = promisify(gzip)

/** Each is a gzip member of its own, so that all processors work on one file; larger ones compress hardly better. */
const PIECE_BYTES = 4 << 20
/** 5 to 9 % larger than at level 5, in half of the time. */
const LEVEL = 2
/** Of Node's pool; more pieces than these can work on would only take memory. */
const POOL_THREADS = 4
/** Of a piece this much from its beginning, its middle and its end tells whether it can be compressed at all. */
const SAMPLE_BYTES = 16 << 10
/** What a member may be larger than its content: a header, and five bytes for each block that is stored. */
const ROOM_BYTES = 64 << 10

/**
 * Compresses a file on Node's thread pool. The same content gives the same bytes, whatever the number of processors.
 *
 * @param target must not exist; the caller removes it when this throws
 * @param onRead told the bytes of the source read so far
 * @see RFC 1952, 2.2: a gzip file is a series of members
 */
export async function gzipFile(
  source: string,
  target: string,
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): Promise<{ digest: string; size: number }> {
  const from = await fs.open(source)
  const hash = createHash('sha256')
  let size = 0
  try {
    const to = await fs.open(target, 'wx', 0o600)
    try {
      const underWay: { piece: Buffer; member: Promise<Buffer> }[] = []
      // used again: buffers of this size that come and go make V8 collect all the time
      const free: Buffer[] = []
      const most = Math.min(os.availableParallelism(), POOL_THREADS) + 1
      const take = async (): Promise<void> => {
        const first = underWay.shift()
        if (!first) return
        const bytes = await first.member
        free.push(first.piece)
        hash.update(bytes)
        size += bytes.length
        for (let at = 0; at < bytes.length;)
          at += (await to.write(bytes, at, bytes.length - at)).bytesWritten
        // with the room that it did not need
        freeBuffer(new Uint8Array(bytes.buffer))
      }
      for (let at = 0; ;) {
        signal.throwIfAborted()
        const piece = free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES)
        const length = await readWhole(from, piece, at)
        // an empty file is one empty member
        if (length === 0 && at > 0) break
        const compressed = member(piece.subarray(0, length))
        // awaited in its turn
        compressed.catch(() => undefined)
        underWay.push({ piece, member: compressed })
        at += length
        onRead(at)
        if (underWay.length >= most) await take()
        if (length < PIECE_BYTES) break
      }
      while (underWay.length > 0) await take()
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
  return { digest: `sha256:${hash.digest('hex')}`, size }
}

/** What cannot be compressed, as media and archives in a layer, is stored: to try takes as long as with text. */
async function member(piece: Buffer): Promise<Buffer> {
  const middle = piece.length >> 1
  const sample = Buffer.concat([
    piece.subarray(0, SAMPLE_BYTES),
    piece.subarray(middle, middle + SAMPLE_BYTES),
    piece.subarray(-SAMPLE_BYTES),
  ])
  const tried = await gzipped(sample, { level: 1 })
  const isDense = tried.length > 0.97 * sample.length
  return await gzipped(piece, {
    level: isDense ? 0 : LEVEL,
    // all at once: else each 16 KB wait for a turn of the event loop before the next are made
    chunkSize: piece.length + ROOM_BYTES,
  })
}

async function readWhole(handle: fs.FileHandle, buffer: Buffer, position: number): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(
      buffer,
      length,
      buffer.length - length,
      position + length,
    )
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}
