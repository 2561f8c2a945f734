'use client'
import { useQuery } from '@tanstack/react-query'
import type { RegistryUsage } from '@/engine/contract/registry.ts'
import type { RegistriesAnswer } from '@/server/api/registries.ts'
import { api } from '@/components/engine/client.ts'

/** In the place of a host: the registry of this engine. */
export const OWN = 'own'
export const DOCKER_HUB = 'docker.io'

/** Those that something is stored for. */
export function useRegistries() {
  return useQuery({
    queryKey: ['registries', 'list'],
    queryFn: ({ signal }) => api.get<RegistriesAnswer>('/api/registries', signal),
  })
}

/** What this host's own registry holds. */
export function useRegistryUsage() {
  return useQuery({
    // Under `images`, so that it is read again when one is pushed or deleted.
    queryKey: ['images', 'registry-usage'],
    queryFn: ({ signal }) => api.get<RegistryUsage>('/api/registry/usage', signal),
  })
}

export function registryPath(host: string, rest = ''): string {
  return `/api/registries/${encodeURIComponent(host)}${rest}`
}
