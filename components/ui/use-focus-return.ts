'use client'
import { useState } from 'react'

/**
 * For a dialog that is in the page only while it is open: what to do with the focus when it closes. It goes back to where it
 * was: Radix itself gives it back to a trigger alone, and dialogs here are opened by keys, rows and menus.
 *
 * @returns for `onCloseAutoFocus`
 */
export function useFocusReturn(): (event: Event) => void {
  // As the dialog is first drawn: before its own field takes the focus.
  const [before] = useState(focused)
  return (event) => {
    if (event.defaultPrevented) return
    event.preventDefault()
    // What it was on may be what the dialog removed.
    const target = before?.isConnected === true ? before : document.getElementById('main')
    target?.focus()
  }
}

/** What has the focus, in a browser; in a menu, which closes as the dialog opens, the button of the menu. */
function focused(): HTMLElement | null {
  // A page can be loaded with a dialog open, and is drawn by the server first.
  if (typeof document === 'undefined') return null
  const active = document.activeElement
  const menu = active?.closest('[role="menu"]')
  const holder = menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : active
  return holder instanceof HTMLElement && holder !== document.body ? holder : null
}
