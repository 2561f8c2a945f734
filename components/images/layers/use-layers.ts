'use client'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import type { ImageLayers, LayerDirectoryListing } from '@/engine/contract/image-layers.ts'
import { api } from '@/components/engine/client.ts'
import { treeRows, type Listings, type TreeRow } from './tree-rows.ts'

const PAGE = 1000

/** An image's layers and what they change. Layers never change, so this is read once. */
export function useLayers(imageId: string) {
  return useQuery({
    queryKey: ['image-layers', imageId],
    staleTime: Infinity,
    queryFn: ({ signal }) =>
      api.get<ImageLayers>(`/api/images/layers?image=${encodeURIComponent(imageId)}`, signal),
  })
}

export interface LayerTree {
  rows: TreeRow[]
  toggle: (path: string) => void
  /** Reads on in a large directory. */
  more: (path: string) => void
  error: Error | null
  isLoading: boolean
}

/** What one layer changes, as a tree whose directories are read when they are opened. */
export function useLayerTree(
  imageId: string,
  layer: number,
  hidden: ReadonlySet<string>,
): LayerTree {
  /** Open directories, and how many pages of each are read. */
  const [open, setOpen] = useState<ReadonlyMap<string, number>>(new Map([['', 1]]))
  const wanted = [...open].flatMap(([path, pages]) =>
    Array.from({ length: pages }, (_, page) => ({ path, offset: page * PAGE })),
  )
  const { error, isLoading, listings } = useQueries({
    queries: wanted.map(({ offset, path }) => ({
      queryKey: ['image-layers', imageId, layer, path, offset],
      staleTime: Infinity,
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.get<LayerDirectoryListing>(
          `/api/images/layer-files?${new URLSearchParams({
            image: imageId,
            layer: String(layer),
            path: `/${path}`,
            offset: String(offset),
          }).toString()}`,
          signal,
        ),
    })),
    combine: (results) => {
      const all: Listings = new Map()
      results.forEach(({ data }, index) => {
        const path = wanted[index]?.path
        if (data === undefined || path === undefined) return
        const before = all.get(path)
        all.set(path, { files: [...(before?.files ?? []), ...data.files], total: data.total })
      })
      return {
        listings: all,
        error: results.find((result) => result.error !== null)?.error ?? null,
        isLoading: results[0]?.isLoading === true,
      }
    },
  })
  const rows = useMemo(
    () => treeRows(listings, new Set(open.keys()), hidden),
    [listings, open, hidden],
  )
  return {
    rows,
    error,
    isLoading,
    toggle: (path) =>
      setOpen((before) => {
        const after = new Map(before)
        if (!after.delete(path)) after.set(path, 1)
        return after
      }),
    more: (path) => setOpen((before) => new Map(before).set(path, (before.get(path) ?? 1) + 1)),
  }
}
