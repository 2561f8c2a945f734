import type { Filters } from './contract.ts'
import { InvalidParameterError } from './errors.ts'

const SECONDS: Record<string, number> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
}

/**
 * A moment as Docker's users give it: seconds since the epoch (with fractions), RFC 3339 or a part of it, or a Go
 * duration before now such as `1h30m`.
 *
 * @returns seconds since the epoch
 * @throws INVALID_PARAMETER when it is none of these
 */
export function parseMoment(text: string, nowSeconds = Date.now() / 1000): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  if (/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    let ago = 0
    for (const [, amount, unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
      ago += Number(amount) * (SECONDS[unit] ?? 1)
    }
    return nowSeconds - ago
  }
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
