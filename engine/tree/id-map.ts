import { InvalidParameterError } from '../errors.ts'
import type { IdMap } from '../native/netns.ts'

interface Owner {
  uid: number
  gid: number
}

/** What the kernel shows for an id that a namespace has no number for. */
const NOBODY = 65534

/** A file's owner as its container knows it, where the file is seen with the host's ids. */
export function ownerInContainer(ids: IdMap | undefined, { gid, uid }: Owner): Owner {
  if (!ids) return { uid, gid }
  const inside = (first: number, id: number): number =>
    id >= first && id < first + ids.size ? id - first : NOBODY
  return { uid: inside(ids.uid, uid), gid: inside(ids.gid, gid) }
}

/** The other way. @throws INVALID_PARAMETER in Docker's words when the namespace has no such id */
export function ownerOnHost(ids: IdMap | undefined, { gid, uid }: Owner): Owner {
  if (!ids) return { uid, gid }
  const outside = (first: number, id: number): number => {
    if (id < ids.size) return first + id
    throw new InvalidParameterError(`Container ID ${String(id)} cannot be mapped to a host ID`)
  }
  return { uid: outside(ids.uid, uid), gid: outside(ids.gid, gid) }
}
