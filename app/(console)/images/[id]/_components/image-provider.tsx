'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, use, useMemo, type ReactNode } from 'react'
import type { ContainerSummary, ImageInspect } from '@/engine/types/docker.ts'
import type { Attributed } from '@/engine/types/gantry.ts'
import { useKnownContainers } from '@/components/containers/use-known-containers.ts'
import { engine, RequestError } from '@/components/engine/client.ts'
import { imagesOf } from '@/components/images/image-name.ts'

export type InspectedImage = ImageInspect & Attributed & { Id: string }

export interface ImageView {
  /** What the engine said last; kept when it is removed. */
  image: InspectedImage
  users: ContainerSummary[]
  removed: boolean
}

export interface ImageQuery {
  view: ImageView | null
  error: Error | null
  retry: () => void
}

const Context = createContext<ImageView | null>(null)

/** The image of the page; only below an `ImageContext`. */
export function useImage(): ImageView {
  const view = use(Context)
  if (view === null) throw new Error('useImage needs an ImageContext above it')
  return view
}

export function ImageContext({ view, children }: { view: ImageView; children: ReactNode }) {
  return <Context value={view}>{children}</Context>
}

/** Reads an image, and reads it again when one changes (components/shell/refresh-on-changes.tsx). */
export function useImageQuery(nameOrId: string): ImageQuery {
  const queries = useQueryClient()
  const containers = useKnownContainers()
  const key = useMemo(() => ['images', 'page', nameOrId], [nameOrId])
  const query = useQuery({
    queryKey: key,
    // Once known it is asked for by ID: its name may come to be another's.
    queryFn: ({ signal }) => {
      const before = queries.getQueryData<InspectedImage>(key)
      const name = encodeURI(before?.Id ?? nameOrId)
      return engine.get<InspectedImage>(`/images/${name}/json`, {}, signal)
    },
    // The next visit to the name may mean another image.
    gcTime: 0,
  })
  const image = query.data
  const removed = query.error instanceof RequestError && query.error.status === 404
  const view = useMemo<ImageView | null>(() => {
    if (image === undefined || containers === undefined) return null
    const users = containers.filter((container) => imagesOf(container).includes(image.Id))
    return { image, users, removed }
  }, [image, containers, removed])
  return { view, error: query.error, retry: () => void query.refetch() }
}
