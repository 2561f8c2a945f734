'use client'
import {
  createContext,
  use,
  useEffect,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react'
import type { TopicName } from '@/server/live/protocol.ts'
import { LiveClient, type Connection } from './client.ts'
import { TopicStore } from './topic-store.ts'

/** The connection, and one store per topic and argument. */
export class Live {
  readonly client = new LiveClient()
  private readonly stores = new Map<string, unknown>()

  store<T extends TopicName>(name: T, argument: string): TopicStore<T> {
    const key = `${name} ${argument}`
    let store = this.stores.get(key) as TopicStore<T> | undefined
    if (store === undefined) {
      store = new TopicStore(this.client, name, argument, () => this.stores.delete(key))
      this.stores.set(key, store)
    }
    return store
  }
}

const Context = createContext<Live | null>(null)

export function LiveProvider({ children }: { children: ReactNode }) {
  const [live] = useState(() => new Live())
  useEffect(() => {
    // Not at once: React's strict mode mounts twice, and a socket closed while it opens complains.
    const timer = setTimeout(() => live.client.connect(), 0)
    return () => {
      clearTimeout(timer)
      live.client.close()
    }
  }, [live])
  return <Context value={live}>{children}</Context>
}

/** The connection itself, for what is more than a topic: terminals, a log viewer's own store. */
export function useLive(): Live {
  const live = use(Context)
  if (live === null) throw new Error('useLive needs a LiveProvider above it')
  return live
}

const atServer: Connection = { state: 'connecting', since: 0 }

export function useConnection(): Connection {
  const { client } = useLive()
  return useSyncExternalStore(client.watchConnection, client.getConnection, () => atServer)
}
