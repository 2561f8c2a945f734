import type { UnpackJob } from './unpack.ts'

export type UnpackLimits = UnpackJob['limits']

/** What an archive may grow to before it is refused; real ones stay far below. */
export const DEFAULT_LIMITS: UnpackLimits = {
  maxBytes: 256 * 2 ** 30,
  maxEntries: 20_000_000,
  maxRatio: 250,
  ratioFromBytes: 2 * 2 ** 30,
}
