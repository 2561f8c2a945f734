'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useLive } from '@/components/live/provider.tsx'

/** Query keys that begin with these words are read again when the engine says something of the kind changed. */
const CHANGE_KEYS = { image: 'images', network: 'networks', volume: 'volumes' } as const

export function RefreshOnChanges() {
  const { client } = useLive()
  const queries = useQueryClient()
  useEffect(
    () =>
      client.listen('changes', '', {
        // After a reconnection nobody knows what was missed.
        snapshot: () => {
          for (const key of Object.values(CHANGE_KEYS))
            void queries.invalidateQueries({ queryKey: [key] })
        },
        change: (changes) => {
          for (const type of new Set(changes.map((change) => change.type))) {
            void queries.invalidateQueries({ queryKey: [CHANGE_KEYS[type]] })
          }
        },
      }),
    [client, queries],
  )
  return null
}
