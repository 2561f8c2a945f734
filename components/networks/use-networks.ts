'use client'
import { useQuery } from '@tanstack/react-query'
import type { NetworkInspect } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'

export function useNetworks() {
  return useQuery({
    queryKey: ['networks', 'list'],
    queryFn: ({ signal }) => engine.get<NetworkInspect[]>('/networks', {}, signal),
  })
}
