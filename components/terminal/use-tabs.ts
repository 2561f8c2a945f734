'use client'
import { useEffect, useReducer } from 'react'
import {
  changeTabs,
  restoreTabs,
  saveTabs,
  type TabsAction,
  type TerminalTabs,
} from './tabs-store.ts'

/** A container's terminal tabs; kept for this browser tab, so that a reload finds its sessions again. */
export function useTabs(containerId: string): [TerminalTabs, (action: TabsAction) => void] {
  const key = `gantry.terminals.${containerId}`
  const [state, act] = useReducer(changeTabs, key, (from) =>
    restoreTabs(sessionStorage.getItem(from)),
  )
  useEffect(() => {
    try {
      sessionStorage.setItem(key, saveTabs(state))
    } catch {
      // Without storage the sessions are lost on reload, and end on the server after their grace time.
    }
  }, [key, state])
  return [state, act]
}
