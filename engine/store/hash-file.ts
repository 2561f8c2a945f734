import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Algorithm } from '../oci/digest.ts'

/** Reads a file from its beginning. The hash can be gone on with. */
export async function hashFile(
  handle: FileHandle,
  algorithm: Algorithm,
): Promise<{ hash: Hash; size: number }> {
  const hash = createHash(algorithm)
  const buffer = Buffer.allocUnsafe(1 << 20)
  let size = 0
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, size)
    if (bytesRead === 0) return { hash, size }
    hash.update(buffer.subarray(0, bytesRead))
    size += bytesRead
  }
}
