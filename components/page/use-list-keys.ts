'use client'
import { useEffect, useEffectEvent } from 'react'
import { isTyping } from '@/components/shell/is-typing.ts'

/** Keys of a list, by `KeyboardEvent.key`; silent while somebody types or a dialog is open. */
export function useListKeys(actions: Record<string, () => void>): void {
  const act = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event))
      return
    // Enter and the space bar belong to the control that has the focus.
    if (
      event.key === 'Enter' &&
      event.target instanceof HTMLElement &&
      event.target.closest('a, button') !== null
    )
      return
    const action = actions[event.key]
    if (action === undefined) return
    event.preventDefault()
    action()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => act(event)
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}
