'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, use, useEffect, useMemo, type ReactNode } from 'react'
import type { ContainerInspectResponse, EventMessage } from '@/engine/types/docker.ts'
import { engine, RequestError } from '@/components/engine/client.ts'
import { useLive } from '@/components/live/provider.tsx'

export interface ContainerView {
  /** What the engine said last; kept when it is removed. */
  container: ContainerInspectResponse
  id: string
  removed: boolean
}

export interface ContainerQuery {
  view: ContainerView | null
  error: Error | null
  retry: () => void
}

const Context = createContext<ContainerView | null>(null)

/** The container of the page; only below a `ContainerContext`. */
export function useContainer(): ContainerView {
  const view = use(Context)
  if (view === null) throw new Error('useContainer needs a ContainerContext above it')
  return view
}

export function ContainerContext({ view, children }: { view: ContainerView; children: ReactNode }) {
  return <Context value={view}>{children}</Context>
}

/** Reads a container and reads it again whenever an event says that it changed. */
export function useContainerQuery(nameOrId: string): ContainerQuery {
  const { client } = useLive()
  const queries = useQueryClient()
  const key = useMemo(() => ['container', nameOrId], [nameOrId])
  const query = useQuery({
    queryKey: key,
    // Once known it is asked for by ID: its name may change, or come to be another's.
    queryFn: ({ signal }) => {
      const before = queries.getQueryData<ContainerInspectResponse>(key)
      const id = encodeURIComponent(before?.Id ?? nameOrId)
      return engine.get<ContainerInspectResponse>(`/containers/${id}/json`, {}, signal)
    },
    // The next visit to the name may mean another container.
    gcTime: 0,
  })
  const known = query.data
  const id = known?.Id

  useEffect(() => {
    if (id === undefined) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const refresh = () => {
      clearTimeout(timer)
      timer = setTimeout(() => void queries.invalidateQueries({ queryKey: key }), 60)
    }
    const stop = client.listen('events', '', {
      // After a lost connection anything may have happened.
      snapshot: refresh,
      change: (events) => {
        if (events.some((event) => concerns(event, id))) refresh()
      },
    })
    return () => {
      clearTimeout(timer)
      stop()
    }
  }, [client, queries, key, id])

  const gone = query.error instanceof RequestError && query.error.status === 404
  const view = useMemo<ContainerView | null>(
    () => (known?.Id === undefined ? null : { container: known, id: known.Id, removed: gone }),
    [known, gone],
  )
  return { view, error: query.error, retry: () => void query.refetch() }
}

/** exec events come with every terminal and health check and change nothing that is shown. */
function concerns(event: EventMessage, id: string): boolean {
  if (event.Type === 'container')
    return event.Actor?.ID === id && !event.Action?.startsWith('exec_')
  return event.Type === 'network' && event.Actor?.Attributes?.['container'] === id
}
