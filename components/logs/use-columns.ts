'use client'
import { useEffect, useState, type RefObject } from 'react'

/** How many characters of the log's font fit beside each other in the box, less some pixels; null until it is there. */
export function useColumns(box: RefObject<HTMLElement | null>, lessPx: number): number | null {
  const [columns, setColumns] = useState<number | null>(null)
  useEffect(() => {
    const element = box.current
    if (!element) return
    const measure = () => {
      const width = element.clientWidth - lessPx
      setColumns(width <= 0 ? null : Math.max(8, Math.floor(width / characterWidth(element))))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    // A font that loads late has other widths.
    void document.fonts.ready.then(measure)
    return () => observer.disconnect()
  }, [box, lessPx])
  return columns
}

function characterWidth(element: HTMLElement): number {
  const probe = document.createElement('span')
  probe.className = 'log-list'
  probe.style.cssText = 'position:absolute;visibility:hidden;white-space:pre'
  probe.textContent = '0'.repeat(100)
  element.append(probe)
  const width = probe.getBoundingClientRect().width / 100
  probe.remove()
  return width || 8
}
