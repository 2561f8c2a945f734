'use client'
import { useSyncExternalStore } from 'react'
import type { LiveClient } from '@/components/live/client.ts'
import { useLive } from '@/components/live/provider.tsx'
import { FleetHistory, type Trace } from './fleet-history.ts'

const histories = new WeakMap<LiveClient, FleetHistory>()

/** The connection's one fleet history. */
export function useFleet(): FleetHistory {
  const { client } = useLive()
  let history = histories.get(client)
  if (history === undefined) {
    history = new FleetHistory(client)
    histories.set(client, history)
  }
  return history
}

/** A container's last minute; undefined while it does not run. */
export function useTrace(id: string): Trace | undefined {
  const fleet = useFleet()
  return useSyncExternalStore(
    fleet.watch,
    () => fleet.trace(id),
    () => undefined,
  )
}
