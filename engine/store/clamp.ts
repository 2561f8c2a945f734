import type { TarHeader } from '../tar/header.ts'

/**
 * A member that is no younger than the epoch, so that the same files made at another time make the same archive.
 *
 * @see https://reproducible-builds.org/specs/source-date-epoch/
 */
export function clamped(header: TarHeader, epochSeconds: number | undefined): TarHeader {
  if (epochSeconds === undefined || header.mtimeSeconds < epochSeconds) return header
  return { ...header, mtimeSeconds: epochSeconds, mtimeNanos: 0 }
}
