import { InvalidParameterError } from '../../errors.ts'
import type { OciNamespaceType, OciSpec } from '../../types/oci-runtime.ts'
import { Rec, type PlanWriter } from './writer.ts'

/** CLONE_NEW*. @see namespaces(7) */
export const NAMESPACE: Record<OciNamespaceType, number> = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
}

/**
 * The namespaces that a container gets, and those that it joins.
 *
 * @throws INVALID_PARAMETER when the shim cannot do that
 */
export function writeNamespaces(plan: PlanWriter, { linux }: OciSpec): void {
  let created = 0
  for (const { path: joined, type } of linux.namespaces) {
    if (type === 'user') writeUserNamespace(plan, joined, linux)
    else if (joined === undefined) created |= NAMESPACE[type]
    else if (type === 'mount') {
      throw new InvalidParameterError(
        'linux.namespaces: joining a mount namespace is not supported',
      )
    } else plan.record(Rec.join, (r) => r.u32(NAMESPACE[type]).str(joined))
  }
  if (!(created & NAMESPACE.mount)) {
    throw new InvalidParameterError(
      'linux.namespaces: a container needs a mount namespace of its own',
    )
  }
  plan.record(Rec.new, (r) => r.u32(created >>> 0))
}

/** Made ahead, because it has to own the network; the mappings tell what it has, for the owners of pipes and devices. */
function writeUserNamespace(
  plan: PlanWriter,
  path: string | undefined,
  { gidMappings, uidMappings }: OciSpec['linux'],
): void {
  const [uids, gids] = [onlyRange(uidMappings), onlyRange(gidMappings)]
  if (path === undefined || !uids || uids.size !== gids?.size) {
    throw new InvalidParameterError(
      'linux.namespaces: a user namespace has to be given by its path, with one mapping of equal size from 0 for uids and gids',
    )
  }
  plan.record(Rec.userns, (r) => r.u32(uids.hostID).u32(gids.hostID).u32(uids.size).str(path))
}

function onlyRange(
  mappings: OciSpec['linux']['uidMappings'],
): { hostID: number; size: number } | undefined {
  const [first, ...more] = mappings ?? []
  return first?.containerID === 0 && more.length === 0 ? first : undefined
}
