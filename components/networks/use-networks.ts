'use client'
import { useQuery } from '@tanstack/react-query'
import type { NetworkInspect } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { compareNames } from '@/components/page/list-order.ts'

/** All networks by name: the engine’s own order is another one after a restart. */
export function useNetworks() {
  return useQuery({
    queryKey: ['networks', 'list'],
    queryFn: async ({ signal }) =>
      (await engine.get<NetworkInspect[]>('/networks', {}, signal)).sort((a, b) =>
        compareNames(a.Name ?? '', b.Name ?? ''),
      ),
  })
}
