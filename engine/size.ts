import { InvalidParameterError } from './errors.ts'

const UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
}

/**
 * Bytes of a size as Docker's users write it: `10m`, `1.5g`, `512`, `64kb`, `2MiB`; units are powers of 1024.
 *
 * @throws INVALID_PARAMETER when it is not one
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim())
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ''] ?? 1
  if (!match) throw new InvalidParameterError(`invalid size: '${text}'`)
  return Math.floor(Number(match[1]) * unit)
}
