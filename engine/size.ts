import { InvalidParameterError } from './errors.ts'

const UNITS = ['', 'k', 'm', 'g', 't', 'p']

/**
 * Bytes of a size as Docker's users write it: `10m`, `1.5g`, `512`, `64kb`, `2MiB`; units are powers of 1024.
 *
 * @throws INVALID_PARAMETER when it is not one
 */
export function parseSize(text: string): number {
  return sizeOf(text, 1024)
}

/**
 * The same with units that are powers of 1000, which is how Docker reads the size of a log file.
 *
 * @throws INVALID_PARAMETER when it is not a size
 */
export function parseDecimalSize(text: string): number {
  return sizeOf(text, 1000)
}

function sizeOf(text: string, step: number): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim())
  if (!match) throw new InvalidParameterError(`invalid size: '${text}'`)
  const power = UNITS.indexOf(match[2]?.toLowerCase() ?? '')
  return Math.floor(Number(match[1]) * step ** power)
}
