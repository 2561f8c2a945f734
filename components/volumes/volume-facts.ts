import type { ContainerSummary, Volume } from '@/engine/types/docker.ts'

/** Docker's own names are 64 hex digits: nobody chose them. */
export function isAnonymous(volume: Volume): boolean {
  return /^[0-9a-f]{64}$/.test(volume.Name)
}

export function usersOfVolume(volume: Volume, containers: ContainerSummary[]): ContainerSummary[] {
  return containers.filter((container) =>
    (container.Mounts ?? []).some((mount) => mount.Type === 'volume' && mount.Name === volume.Name),
  )
}
