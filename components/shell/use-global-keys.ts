'use client'
import { useRouter } from 'next/navigation'
import { useEffect, useEffectEvent } from 'react'
import { isTyping } from './is-typing.ts'
import { places } from './nav.ts'

/** Keys that work on every page: Ctrl/Cmd+K, `?`, and `g` followed by a place's letter within a second. */
export function useGlobalKeys(actions: { onPalette: () => void; onKeys: () => void }): void {
  const router = useRouter()
  const act = useEffectEvent((event: KeyboardEvent, afterG: boolean): boolean => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      actions.onPalette()
      return false
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return false
    if (event.key === '?') {
      event.preventDefault()
      actions.onKeys()
      return false
    }
    const place = afterG ? places.find((candidate) => candidate.key === event.key) : undefined
    if (place !== undefined) {
      event.preventDefault()
      // The page's own keys (e, s …) must not act on the second half of a `g` pair.
      event.stopImmediatePropagation()
      router.push(place.href)
      return false
    }
    return event.key === 'g'
  })
  useEffect(() => {
    let gAt = -Infinity
    const listen = (event: KeyboardEvent) => {
      gAt = act(event, event.timeStamp - gAt < 1000) ? event.timeStamp : -Infinity
    }
    window.addEventListener('keydown', listen, true)
    return () => window.removeEventListener('keydown', listen, true)
  }, [])
}
