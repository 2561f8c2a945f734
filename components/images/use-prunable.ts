'use client'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Prunable } from '@/engine/contract/images.ts'
import type { Filters } from '@/engine/contract/common.ts'
import { api } from '@/components/engine/client.ts'

export const ALL_UNUSED: Filters = { dangling: ['false'] }

/** What a prune with these filters would remove now; read again when an image or a container changes. */
export function usePrunable(filters: Filters) {
  return useQuery({
    queryKey: ['images', 'prunable', filters],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      api.get<Prunable>(
        `/api/images/prunable?filters=${encodeURIComponent(JSON.stringify(filters))}`,
        signal,
      ),
  })
}
