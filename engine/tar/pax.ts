import { InvalidParameterError } from '../errors.ts'

/**
 * Records of a pax extended header: `<length> <key>=<value>\n`, the length in decimal and counting all of the record.
 * Values stay bytes: an extended attribute may hold any, newlines and NULs too.
 *
 * @throws INVALID_PARAMETER on a record that is none
 * @see pax(1), "pax Extended Header"
 */
export function parsePax(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (const [key, value] of paxRecords(data)) records.set(key, value)
  return records
}

/** The records in order, repeated keys included: GNU sparse format 0.0 repeats them. */
export function* paxRecords(data: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < data.length;) {
    // some writers pad with NULs
    if (data[at] === 0) return
    const space = data.indexOf(0x20, at)
    const digits = space < 0 || space - at > 10 ? '' : data.toString('latin1', at, space)
    const length = /^\d+$/.test(digits) ? Number(digits) : 0
    const end = at + length
    const equals = data.indexOf(0x3d, space + 1)
    if (
      length < digits.length + 3 ||
      end > data.length ||
      equals < 0 ||
      equals >= end ||
      data[end - 1] !== 0x0a
    ) {
      throw new InvalidParameterError('invalid tar: broken pax extended header')
    }
    const key = data.toString('latin1', space + 1, equals)
    if (key === '') throw new InvalidParameterError('invalid tar: pax record without a key')
    yield [key, data.subarray(equals + 1, end - 1)]
    at = end
  }
}

/** Encodes records; the length counts its own digits. */
export function encodePax(records: Iterable<[string, Buffer]>): Buffer {
  const parts: Buffer[] = []
  for (const [key, value] of records) {
    const rest = Buffer.byteLength(key, 'latin1') + value.length + 3
    let length = rest + String(rest).length
    if (rest + String(length).length !== length) length = rest + String(length).length
    parts.push(Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n'))
  }
  return Buffer.concat(parts)
}
