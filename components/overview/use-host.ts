'use client'
import { useQuery } from '@tanstack/react-query'
import type { HostFacts } from '@/server/api/host.ts'
import { api } from '@/components/engine/client.ts'

/** What does not change of the host and of this Gantry while it runs. */
export function useHost() {
  return useQuery({
    queryKey: ['host'],
    staleTime: Infinity,
    queryFn: ({ signal }) => api.get<HostFacts>('/api/host', signal),
  })
}
