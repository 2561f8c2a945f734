'use client'
import { useQuery } from '@tanstack/react-query'
import type { ImageSummary } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'

/** The images on this host, read again when one changes (components/shell/refresh-on-changes.tsx). */
export function useImages() {
  return useQuery({
    queryKey: ['images', 'list'],
    queryFn: ({ signal }) =>
      engine.get<ImageSummary[]>('/images/json', { 'shared-size': true }, signal),
  })
}
