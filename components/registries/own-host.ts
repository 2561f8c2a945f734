'use client'
import { useSyncExternalStore } from 'react'

/** By which name and port docker reaches this host's registry: the one the browser reaches the console by. */
export function useOwnHost(): string {
  return useSyncExternalStore(
    () => () => undefined,
    () => window.location.host,
    () => '',
  )
}
