'use client'
import { useMemo, useSyncExternalStore } from 'react'
import type { TopicName, Topics } from '@/server/live/protocol.ts'
import { useConnection, useLive } from './provider.tsx'
import type { TopicState } from './topic-store.ts'

export interface TopicView<T extends TopicName> {
  /** Undefined until the first snapshot; kept, and then stale, when the connection is lost. */
  data: Topics[T]['snapshot'] | undefined
  /** When the connection was lost (ms since the epoch), null while it stands. */
  stale: number | null
  /** Why the server refuses the topic. */
  error: string | null
}

/** A topic's data, kept up to date: `fleet` is the newest samples, lists are patched, series grow at their end. */
export function useTopic<T extends TopicName>(name: T, argument = ''): TopicView<T> {
  const live = useLive()
  const connection = useConnection()
  const store = live.store(name, argument)
  const state = useSyncExternalStore<TopicState<T>>(store.watch, store.get, getNothing)
  const stale = connection.state === 'lost' ? connection.since : null
  return useMemo(() => ({ ...state, stale }), [state, stale])
}

const nothing = { data: undefined, error: null }
const getNothing = () => nothing
