import { InvalidParameterError } from '../errors.ts'
import type { BombLimits } from './decompress-within.ts'

/** What an archive may grow to before it is refused. */
export interface UnpackLimits extends BombLimits {
  /** Bytes of all files together. */
  maxBytes: number
  maxEntries: number
}

/** Real archives stay far below. */
export const DEFAULT_LIMITS: UnpackLimits = {
  maxBytes: 256 * 2 ** 30,
  maxEntries: 20_000_000,
  maxRatio: 250,
  ratioFromBytes: 2 * 2 ** 30,
}

export function tooManyBytes({ maxBytes }: { maxBytes: number }): InvalidParameterError {
  return new InvalidParameterError(
    `the archive unpacks to more than ${maxBytes} bytes (GANTRY_UNPACK_MAX_BYTES)`,
  )
}

export function tooManyMembers({ maxEntries }: { maxEntries: number }): InvalidParameterError {
  return new InvalidParameterError(
    `the archive has more than ${maxEntries} members (GANTRY_UNPACK_MAX_FILES)`,
  )
}
