'use client'
import { useQuery } from '@tanstack/react-query'
import type { RegistryImage } from '@/engine/contract/registry.ts'
import { api } from '@/components/engine/client.ts'
import { OWN, registryPath } from './use-registries.ts'

/** What a tag holds. */
export function useRegistryImage(
  host: string,
  repository: string,
  reference: string,
  enabled: boolean,
) {
  return useQuery({
    queryKey: [host === OWN ? 'images' : 'registries', 'image', host, repository, reference],
    enabled,
    staleTime: 5 * 60_000,
    queryFn: ({ signal }) => api.get<RegistryImage>(imagePath(host, repository, reference), signal),
  })
}

export function imagePath(host: string, repository: string, reference: string): string {
  const query = new URLSearchParams({ repository, reference })
  return registryPath(host, `/image?${query.toString()}`)
}
