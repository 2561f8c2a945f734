import { InvalidParameterError } from '../errors.ts'
import { decompress } from './decompress.ts'

export interface BombLimits {
  /** Unpacked to compressed; looked at once more than `ratioFromBytes` were unpacked. */
  maxRatio: number
  ratioFromBytes: number
}

/**
 * The content of a stream, decompressed by what it is, as long as it does not grow out of all proportion.
 *
 * @throws INVALID_PARAMETER for a decompression bomb, and as decompress()
 */
export async function* decompressWithin(
  source: AsyncIterable<Buffer>,
  { maxRatio, ratioFromBytes }: BombLimits,
  options: { byPrograms?: boolean } = {},
): AsyncGenerator<Buffer> {
  let read = 0
  let unpacked = 0
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      read += chunk.length
      yield chunk
    }
  }
  for await (const chunk of decompress(counted(), options)) {
    unpacked += chunk.length
    if (unpacked > ratioFromBytes && unpacked > read * maxRatio) {
      throw new InvalidParameterError(
        `the archive unpacks to more than ${maxRatio} times its size: refused as a decompression bomb`,
      )
    }
    yield chunk
  }
}
