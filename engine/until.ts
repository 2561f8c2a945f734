import type { Filters } from './contract/common.ts'
import { durationNanos, isDuration } from './duration.ts'
import { InvalidParameterError } from './errors.ts'

/**
 * A moment as Docker's users give it: seconds since the epoch (with fractions), RFC 3339 or a part of it, or a Go
 * duration before now such as `1h30m`.
 *
 * @returns seconds since the epoch
 * @throws INVALID_PARAMETER when it is none of these
 */
export function parseMoment(text: string, nowSeconds = Date.now() / 1000): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (isDuration(text)) return nowSeconds - durationNanos(text) / 1e9
  const parsed = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(parsed))
    throw new InvalidParameterError(`failed to parse value as time or duration: "${text}"`)
  return parsed / 1000
}

/** What a prune's `until` filter allows: things made before it; everything when not given. */
export function pruneUntil(filters: Filters): number {
  const values = filters['until'] ?? []
  if (values.length > 1) throw new InvalidParameterError('more than one until filter specified')
  return values[0] === undefined ? Infinity : parseMoment(values[0])
}
