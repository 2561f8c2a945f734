import type { IncomingHttpHeaders } from 'node:http'
import { refuse } from './refusal.ts'

/** First and last byte. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * The part of a blob that a request asks for; undefined for all of it. One range is served; of several, and of what
 * is no range, the whole comes, as HTTP allows.
 *
 * @see RFC 9110, 14.2; distribution-spec, "Pulling blobs"
 */
export function readRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [found, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '') ?? []
  if (found === undefined || (first === '' && last === '')) return undefined
  // the last so many
  if (first === '') {
    const count = Math.min(Number(last), size)
    return count === 0 ? 'unsatisfiable' : { start: size - count, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  return start >= size ? 'unsatisfiable' : { start, end }
}

/**
 * The bytes of the upload that a chunk says it is; undefined when it does not say.
 *
 * @throws BLOB_UPLOAD_INVALID for a header that is none, SIZE_INVALID for another length than the body's
 * @see distribution-spec, "Pushing a blob in chunks"
 */
export function chunkRange(headers: IncomingHttpHeaders): ByteRange | undefined {
  const header = headers['content-range']
  if (header === undefined) return undefined
  const [found, start, end] =
    /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header) ?? []
  const range = { start: Number(start), end: Number(end) }
  if (found === undefined || range.end < range.start)
    throw refuse(
      'BLOB_UPLOAD_INVALID',
      `not a range of bytes: ${JSON.stringify(header.slice(0, 60))}`,
    )
  const length = headers['content-length']
  if (length !== undefined && Number(length) !== range.end - range.start + 1)
    throw refuse('SIZE_INVALID', `Content-Range and Content-Length differ: ${header} and ${length}`)
  return range
}
