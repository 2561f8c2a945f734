'use client'
import { useQuery } from '@tanstack/react-query'
import type { Volume, VolumeListResponse } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'

export function useVolumes() {
  return useQuery({
    queryKey: ['volumes', 'list'],
    queryFn: ({ signal }) => engine.get<VolumeListResponse>('/volumes', {}, signal),
  })
}

/** Sizes take a walk over the files, so they come later than the list. */
export function useVolumeSizes() {
  return useQuery({
    queryKey: ['volumes', 'sizes'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const usage = await engine.get<DiskUsageAnswer>(
        '/system/df',
        { type: 'volume', verbose: true },
        signal,
      )
      const volumes =
        usage.VolumeUsage?.Items ?? usage.VolumesDiskUsage?.Items ?? usage.Volumes ?? []
      return new Map(volumes.map((volume) => [volume.Name, volume.UsageData?.Size ?? -1]))
    },
  })
}

/** The answer has changed its shape between API versions. */
interface DiskUsageAnswer {
  VolumeUsage?: { Items?: Volume[] }
  VolumesDiskUsage?: { Items?: Volume[] }
  Volumes?: Volume[] | null
}
