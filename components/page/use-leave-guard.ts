'use client'
import { useEffect, useEffectEvent } from 'react'

/**
 * Keeps what is not saved while there is some: a closed or reloaded tab is asked about by the browser, a link within the
 * page by `onLeave`, which gets where it leads. The browser's own way back is not asked about.
 */
export function useLeaveGuard(isUnsaved: boolean, onLeave: (href: string) => void): void {
  const leave = useEffectEvent((href: string) => onLeave(href))
  useEffect(() => {
    if (!isUnsaved) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    const onClick = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null
      // a link to a page of its own leaves this one as it is
      if (link === null || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0)
        return
      if (link.origin !== window.location.origin || link.target === '_blank') return
      if (link.hasAttribute('download')) return
      event.preventDefault()
      event.stopPropagation()
      leave(link.pathname + link.search)
    }
    window.addEventListener('beforeunload', ask)
    // before React and Next see it
    window.addEventListener('click', onClick, true)
    return () => {
      window.removeEventListener('beforeunload', ask)
      window.removeEventListener('click', onClick, true)
    }
  }, [isUnsaved])
}
