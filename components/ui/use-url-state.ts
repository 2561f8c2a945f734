'use client'
import { useSearchParams } from 'next/navigation'
import { useCallback } from 'react'

/**
 * A piece of state in the page's query string, so that a view can be sent as a link and survives a reload.
 * The fallback's value is not written.
 */
export function useUrlState(name: string, fallback = ''): [string, (value: string) => void] {
  const value = useSearchParams().get(name) ?? fallback
  const set = useCallback(
    (next: string) => {
      const search = new URLSearchParams(window.location.search)
      if (next === fallback) search.delete(name)
      else search.set(name, next)
      const text = search.toString()
      // Next follows replaceState; the router itself would ask the server again at each letter.
      window.history.replaceState(
        null,
        '',
        `${window.location.pathname}${text === '' ? '' : `?${text}`}`,
      )
    },
    [name, fallback],
  )
  return [value, set]
}
