'use client'
import { useCallback, useState, type ComponentProps } from 'react'
import { cn } from './cn.ts'

/**
 * A list that scrolls by itself once it is higher than its class allows. It is a stop of the Tab key then, so that arrow keys
 * scroll it: nothing in it need take the focus, and not every browser makes a stop of what scrolls.
 */
export function ScrollList(
  props: Omit<ComponentProps<'ul'>, 'ref' | 'tabIndex'> & { 'aria-label': string },
) {
  const { className, ...rest } = props
  const [scrolls, setScrolls] = useState(false)
  // As long as it does not scroll, it is as high as what is in it.
  const watch = useCallback((list: HTMLUListElement) => {
    const observer = new ResizeObserver(() => setScrolls(list.scrollHeight > list.clientHeight))
    observer.observe(list)
    return () => observer.disconnect()
  }, [])
  return (
    <ul
      {...rest}
      ref={watch}
      tabIndex={scrolls ? 0 : undefined}
      className={cn('overflow-y-auto', className)}
    />
  )
}
