'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useImperativeHandle, useRef, type ComponentProps, type ReactNode, type Ref } from 'react'
import { cn } from '@/components/ui/cn.ts'

export interface RowsHandle {
  scrollTo: (index: number) => void
}

export interface VirtualRowsProps<Row> {
  /** of the table, for who does not see it */
  label: string
  rows: readonly Row[]
  keyOf: (row: Row, index: number) => string | number
  /** about how high a row is, until it has been measured */
  rowPx: number
  overscan?: number
  /** stays on top; a row with `aria-rowindex={1}` */
  head?: ReactNode
  /** below which the rows scroll sideways instead */
  minWidth?: string
  stale?: boolean
  ref?: Ref<RowsHandle>
  /** what else stands on the row's element */
  attributesOf?: (row: Row) => ComponentProps<'div'>
  /** `isSettled`: not while rows only fly by */
  children: (row: Row, isSettled: boolean) => ReactNode
}

/** A table of any number of rows, of which only those in view are in the page. */
export function VirtualRows<Row>(props: VirtualRowsProps<Row>) {
  const { head, keyOf, rows } = props
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => props.rowPx,
    getItemKey: (index) => {
      const row = rows[index]
      return row === undefined ? index : keyOf(row, index)
    },
    overscan: props.overscan ?? 8,
  })
  useImperativeHandle(props.ref, () => ({ scrollTo: (index) => virtual.scrollToIndex(index) }))
  const above = head === undefined ? 0 : 1
  return (
    <div
      ref={scroller}
      role="table"
      aria-label={props.label}
      aria-rowcount={rows.length + above}
      className={cn('bg-surface min-h-0 flex-1 overflow-auto', props.stale === true && 'stale')}
    >
      <div style={{ minWidth: props.minWidth }}>
        {head}
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, key, start }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                role="row"
                aria-rowindex={index + 1 + above}
                style={{ transform: `translateY(${start}px)` }}
                className="hover:bg-muted/60 aria-selected:bg-accent/70 absolute inset-x-0 top-0 border-b aria-[current=true]:shadow-[inset_2px_0_0_var(--ring)]"
                {...props.attributesOf?.(row)}
              >
                {props.children(row, !virtual.isScrolling)}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}
