'use client'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import type { ContainerFile, FileListing } from '@/engine/contract/files.ts'
import { listFiles, PAGE } from './files-api.ts'

/** Where files are looked through. */
export interface Place {
  containerId: string
  containerName: string
  /** while it runs there is more to see, as what it keeps in memory */
  running: boolean
}

/** A directory, page by page; the pages there are stay while it is read again. */
export function useFiles({ containerId, running }: Place, path: string, filter: string) {
  const query = useInfiniteQuery({
    queryKey: ['files', containerId, running, path, filter],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      listFiles(containerId, { path, filter, offset: pageParam }, signal),
    getNextPageParam: ({ total }, _pages, last) => (last + PAGE < total ? last + PAGE : undefined),
    // while a filter is typed the rows before stay
    placeholderData: (before, query) => (query?.queryKey[3] === path ? before : undefined),
    // looked at again it may be another
    gcTime: 60_000,
  })
  const pages = query.data?.pages
  const data = useMemo<FileListing | undefined>(() => {
    const last = pages?.at(-1)
    if (pages === undefined || last === undefined) return undefined
    const removed = pages.flatMap((page) => page.removed)
    return { ...last, removed, files: distinct(pages.flatMap((page) => page.files)) }
  }, [pages])
  return { ...query, data }
}

/** Reads whatever is shown of a container's files again. */
export function useRefreshFiles(containerId: string): () => Promise<void> {
  const queries = useQueryClient()
  return useCallback(
    () => queries.invalidateQueries({ queryKey: ['files', containerId] }),
    [queries, containerId],
  )
}

/** What was made or removed between two pages may be on both. */
function distinct(files: ContainerFile[]): ContainerFile[] {
  return [
    ...new Map(files.map((file, index) => [file.addressable ? file.name : index, file])).values(),
  ]
}
