import { buffer } from 'node:stream/consumers'
import type { Readable } from 'node:stream'

/** The two texts in a stream of Docker's 8-byte frames. */
export async function demultiplex(stream: Readable): Promise<{ stdout: string; stderr: string }> {
  const bytes = await buffer(stream)
  const texts = { stdout: '', stderr: '' }
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 4)
    texts[bytes[at] === 2 ? 'stderr' : 'stdout'] += bytes
      .subarray(at + 8, at + 8 + length)
      .toString('utf8')
    at += 8 + length
  }
  return texts
}
