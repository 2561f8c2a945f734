import { InvalidParameterError } from '../errors.ts'
import { decimal, number } from './fields.ts'
import type { SparseSegment } from './header.ts'
import { paxRecords } from './pax.ts'

/** Formats 0.0 (repeated offset and numbytes) and 0.1 (one comma-separated map). */
export function paxSegments(records: Buffer): SparseSegment[] {
  const numbers: number[] = []
  for (const [key, value] of paxRecords(records)) {
    if (key === 'GNU.sparse.map') numbers.push(...value.toString('latin1').split(',').map(decimal))
    else if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') {
      numbers.push(decimal(value.toString('latin1')))
    }
  }
  const segments: SparseSegment[] = []
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    segments.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 })
  }
  return segments
}

/** GNU's binary-header form: pairs of 12-byte numbers, ended by an empty one. */
export function readSegments(
  block: Buffer,
  at: number,
  count: number,
  into: SparseSegment[],
): void {
  for (let i = 0; i < count; i++) {
    const base = at + i * 24
    if (block[base] === 0) return
    const offset = number(block, base, 12, 'sparse offset')
    const length = number(block, base + 12, 12, 'sparse length')
    if (offset < 0 || length < 0) throw new InvalidParameterError('invalid tar: broken sparse map')
    into.push({ offset, length })
  }
}
