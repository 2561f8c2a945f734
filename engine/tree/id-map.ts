import { InvalidParameterError } from '../errors.ts'

/** IDs of a user namespace, as the host counts them. @see user_namespaces(7), "User and group ID mappings" */
export interface IdRange {
  containerId: number
  hostId: number
  size: number
}

/** How the IDs in a tree are to be translated, where its files are seen with the host's. */
export interface IdMap {
  uids: readonly IdRange[]
  gids: readonly IdRange[]
}

/** What the kernel shows for an ID that a namespace has no number for. */
const NOBODY = 65534

export function toContainer(ranges: readonly IdRange[] | undefined, hostId: number): number {
  if (!ranges) return hostId
  const range = ranges.find((each) => hostId >= each.hostId && hostId < each.hostId + each.size)
  return range ? hostId - range.hostId + range.containerId : NOBODY
}

/** @throws INVALID_PARAMETER in Docker's words when the namespace has no such ID */
export function toHost(ranges: readonly IdRange[] | undefined, containerId: number): number {
  if (!ranges) return containerId
  const range = ranges.find(
    (each) => containerId >= each.containerId && containerId < each.containerId + each.size,
  )
  if (range) return containerId - range.containerId + range.hostId
  throw new InvalidParameterError(
    `Container ID ${String(containerId)} cannot be mapped to a host ID`,
  )
}
