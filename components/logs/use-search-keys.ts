'use client'
import { useEffect, useRef, type RefObject } from 'react'

/** Ctrl+F and `/` go to the field (a second Ctrl+F is the browser's own); n and N step when the list has the focus. */
export function useSearchKeys(
  box: RefObject<HTMLElement | null>,
  field: RefObject<HTMLInputElement | null>,
  step: (direction: 1 | -1) => void,
): void {
  const newest = useRef(step)
  useEffect(() => {
    newest.current = step
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target instanceof HTMLElement ? event.target : null
      if (target?.closest('[role="dialog"], [role="alertdialog"]')) return
      const find =
        (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'f'
      if (find && document.activeElement !== field.current) {
        event.preventDefault()
        field.current?.focus()
        field.current?.select()
      } else if (!event.ctrlKey && !event.metaKey && box.current?.contains(target)) {
        if (target?.closest('input, textarea, select')) return
        if (event.key === 'n') newest.current(1)
        else if (event.key === 'N') newest.current(-1)
        else if (event.key === '/') {
          event.preventDefault()
          event.stopPropagation()
          field.current?.focus()
        }
      }
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [box, field])
}
