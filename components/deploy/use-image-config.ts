'use client'
import { useQuery } from '@tanstack/react-query'
import type { ImageInspect } from '@/engine/types/docker.ts'
import { engine, RequestError } from '@/components/engine/client.ts'
import { useSettled } from './use-settled.ts'

export type ImageKnown =
  | { state: 'none' }
  | { state: 'looking' }
  | { state: 'here'; image: ImageInspect }
  /** It will be pulled. */
  | { state: 'elsewhere' }
  | { state: 'failed'; message: string }

/** What is known of the image whose name stands in the form, once the typing has paused. */
export function useImageConfig(name: string): ImageKnown {
  const settled = useSettled(name.trim(), 300)
  const query = useQuery({
    queryKey: ['images', 'inspect', settled],
    enabled: settled !== '',
    queryFn: async ({ signal }) => {
      try {
        return await engine.get<ImageInspect>(`/images/${encodeURI(settled)}/json`, {}, signal)
      } catch (error) {
        if (error instanceof RequestError && error.status === 404) return null
        throw error
      }
    },
  })
  if (settled === '') return { state: 'none' }
  if (query.error !== null) return { state: 'failed', message: query.error.message }
  if (query.data === undefined) return { state: 'looking' }
  return query.data === null ? { state: 'elsewhere' } : { state: 'here', image: query.data }
}
