'use client'
import { useSyncExternalStore } from 'react'

const query = '(max-width: 1023px)'

/** Whether the window is too narrow for a list of many columns. False on the server. */
export function useIsNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = window.matchMedia(query)
      media.addEventListener('change', changed)
      return () => media.removeEventListener('change', changed)
    },
    () => window.matchMedia(query).matches,
    () => false,
  )
}
