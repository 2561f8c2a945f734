'use client'
import { useQuery } from '@tanstack/react-query'
import type { Volume, VolumeListResponse } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { compareNames } from '@/components/page/list-order.ts'

/** All volumes by name: the engine’s own order is another one after a restart. */
export function useVolumes() {
  return useQuery({
    queryKey: ['volumes', 'list'],
    queryFn: async ({ signal }) => {
      const answer = await engine.get<VolumeListResponse>('/volumes', {}, signal)
      answer.Volumes?.sort((a, b) => compareNames(a.Name, b.Name))
      return answer
    },
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
