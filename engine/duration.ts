import { InvalidParameterError } from './errors.ts'

const NANOS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g

/** Whether a text is a Go duration such as `1h30m` or `250ms`. */
export function isDuration(text: string): boolean {
  return text !== '' && text.replace(PART, '') === ''
}

/**
 * Nanoseconds of a Go duration.
 *
 * @throws INVALID_PARAMETER when it is none
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function durationNanos(text: string): number {
  if (!isDuration(text))
    throw new InvalidParameterError(`time: invalid duration ${JSON.stringify(text)}`)
  let nanos = 0
  for (const [, amount, unit = ''] of text.matchAll(PART))
    nanos += Number(amount) * (NANOS[unit] ?? 0)
  return Math.round(nanos)
}
