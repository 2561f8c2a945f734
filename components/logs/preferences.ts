'use client'
import { useCallback, useSyncExternalStore } from 'react'
import type { TimeFormat } from './log-time.ts'

/** How someone likes to read logs; kept in this browser, the same for every container. */
export interface LogPreferences {
  time: TimeFormat
  wrap: boolean
}

const KEY = 'gantry.logs'
const SERVER: LogPreferences = { time: 'local', wrap: true }
const watchers = new Set<() => void>()
let current: LogPreferences | undefined

/** Not yet chosen: a phone has no room for times. */
function initial(): LogPreferences {
  return window.matchMedia('(max-width: 640px)').matches ? { time: 'off', wrap: true } : SERVER
}

function read(): LogPreferences {
  if (current) return current
  current = { ...initial() }
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<LogPreferences>
    if (typeof stored.wrap === 'boolean') current.wrap = stored.wrap
    if (['off', 'local', 'utc', 'relative'].includes(stored.time ?? '')) {
      current.time = stored.time ?? 'local'
    }
  } catch {
    // Unreadable or forbidden storage: the defaults do.
  }
  return current
}

export function useLogPreferences(): [LogPreferences, (change: Partial<LogPreferences>) => void] {
  const watch = useCallback((changed: () => void) => {
    watchers.add(changed)
    return () => watchers.delete(changed)
  }, [])
  const value = useSyncExternalStore(watch, read, () => SERVER)
  const set = useCallback((change: Partial<LogPreferences>) => {
    current = { ...read(), ...change }
    try {
      localStorage.setItem(KEY, JSON.stringify(current))
    } catch {
      // It holds for this visit at least.
    }
    for (const changed of watchers) changed()
  }, [])
  return [value, set]
}
