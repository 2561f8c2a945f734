import { InvalidParameterError } from '../errors.ts'
import { BLOCK } from './header.ts'

/** Octal digits between spaces and NULs, or GNU's base-256 when the first bit is set. */
export function number(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] ?? 0
  if ((first & 0x80) === 0) return octal(block, at, length, what)
  const isNegative = (first & 0x40) !== 0
  let value = BigInt(isNegative ? first - 256 : first & 0x3f)
  for (let i = 1; i < length; i++) value = value * 256n + BigInt(block[at + i] ?? 0)
  const small = Number(value)
  if (!Number.isSafeInteger(small))
    throw new InvalidParameterError(`invalid tar: ${what} is out of range`)
  return small
}

/** @throws INVALID_PARAMETER "invalid tar: …" when it is no number */
export function octal(block: Buffer, at: number, length: number, what: string): number {
  let i = at
  const end = at + length
  while (i < end && (block[i] === 0x20 || block[i] === 0)) i++
  let value = 0
  for (; i < end; i++) {
    const byte = block[i] ?? 0
    if (byte === 0x20 || byte === 0) break
    if (byte < 0x30 || byte > 0x37)
      throw new InvalidParameterError(`invalid tar: ${what} is not a number`)
    value = value * 8 + (byte - 0x30)
  }
  return value
}

/** As pax and the sparse maps have numbers. */
export function decimal(text: string | undefined): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) {
    throw new InvalidParameterError(`invalid tar: ${JSON.stringify(text)} is not a number`)
  }
  return value
}

/** Up to a NUL or the end of the field. */
export function cString(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('latin1', at, end < 0 || end > at + length ? at + length : end)
}

/** What fills content up to a whole block. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

const ZERO = Buffer.alloc(BLOCK)

export function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.equals(ZERO)
}
