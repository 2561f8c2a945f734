import type { ContainerSummary, NetworkInspect } from '@/engine/types/docker.ts'

/** The three every engine has and none removes. */
export function isBuiltIn(network: NetworkInspect): boolean {
  return ['bridge', 'host', 'none'].includes(network.Name ?? '')
}

export function subnetsOf(network: NetworkInspect): string[] {
  return (network.IPAM?.Config ?? []).flatMap((config) =>
    config.Subnet === undefined ? [] : [config.Subnet],
  )
}

export function usersOfNetwork(
  network: NetworkInspect,
  containers: ContainerSummary[],
): ContainerSummary[] {
  return containers.filter((container) =>
    Object.entries(container.NetworkSettings?.Networks ?? {}).some(
      ([name, endpoint]) => endpoint.NetworkID === network.Id || name === network.Name,
    ),
  )
}
