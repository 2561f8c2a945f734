'use client'
import { useQuery } from '@tanstack/react-query'
import { engine } from '@/components/engine/client.ts'
import type { ListedImage } from './image-name.ts'

/** The images on this host, read again when one changes (components/shell/refresh-on-changes.tsx). */
export function useImages(enabled = true) {
  return useQuery({
    queryKey: ['images', 'list'],
    enabled,
    queryFn: ({ signal }) =>
      engine.get<ListedImage[]>('/images/json', { 'shared-size': true }, signal),
  })
}
