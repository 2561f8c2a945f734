'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRouter } from 'next/navigation'
import { useCallback, useRef, useState } from 'react'
import { useListKeys } from '@/components/containers/use-list-keys.ts'
import { useSelection } from '@/components/containers/use-selection.ts'
import { SelectionBar } from '@/components/page/selection-bar.tsx'
import { useIsNarrow } from '@/components/ui/use-is-narrow.ts'
import { ImageCard } from './image-card.tsx'
import { ImageDialog, type ImageAction } from './image-dialogs.tsx'
import { ImageHead } from './image-head.tsx'
import { imageHref } from './image-name.ts'
import type { ImageRow as Row, Order } from './image-order.ts'
import { ImageRow } from './image-row.tsx'
import { RemoveImagesDialog } from './remove-images-dialog.tsx'

/** The rows themselves: virtual, selectable, with keys, and the bar and dialogs that act on them. */
export function ImageRows(props: {
  rows: Row[]
  order: Order
  onOrder: (order: Order) => void
  onFocusFilter: () => void
}) {
  const { rows } = props
  const router = useRouter()
  const narrow = useIsNarrow()
  const scroller = useRef<HTMLDivElement>(null)
  const selection = useSelection(rows)
  const [currentId, setCurrentId] = useState<string>()
  const [acting, setActing] = useState<{ action: ImageAction; row: Row }>()
  const [removing, setRemoving] = useState<Row[]>([])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? 76 : 53),
    getItemKey: (index) => rows[index]?.Id ?? index,
    overscan: 8,
  })
  const onAct = useCallback((action: ImageAction, row: Row) => setActing({ action, row }), [])

  const currentIndex = rows.findIndex((row) => row.Id === currentId)
  const current = rows[currentIndex]
  const move = (step: number) => {
    const index = Math.min(rows.length - 1, Math.max(0, currentIndex + step))
    setCurrentId(rows[index]?.Id)
    virtual.scrollToIndex(index)
  }
  useListKeys({
    '/': props.onFocusFilter,
    j: () => move(1),
    k: () => move(-1),
    x: () => current !== undefined && selection.toggle(current.Id, false),
    Enter: () => current !== undefined && router.push(imageHref(current.Id)),
    d: () => {
      if (selection.selected.length > 0) setRemoving(selection.selected)
      else if (current !== undefined) onAct('remove', current)
    },
    Escape: selection.clear,
  })

  const Each = narrow ? ImageCard : ImageRow
  return (
    <>
      <div
        ref={scroller}
        role="table"
        aria-label="Images"
        aria-rowcount={rows.length + 1}
        className="bg-surface min-h-0 flex-1 overflow-auto"
      >
        <div className={narrow ? '' : 'min-w-[66rem]'}>
          {!narrow && (
            <ImageHead
              rowCount={rows.length}
              order={props.order}
              onOrder={props.onOrder}
              selection={selection}
            />
          )}
          <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const row = rows[item.index]
              if (row === undefined) return null
              return (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  role="row"
                  aria-rowindex={item.index + 2}
                  aria-selected={selection.ids.has(row.Id)}
                  aria-current={row.Id === currentId}
                  onPointerDown={() => setCurrentId(row.Id)}
                  style={{ transform: `translateY(${item.start}px)` }}
                  className="hover:bg-muted/60 aria-selected:bg-accent/70 absolute inset-x-0 top-0 border-b aria-[current=true]:shadow-[inset_2px_0_0_var(--ring)]"
                >
                  <Each
                    row={row}
                    selected={selection.ids.has(row.Id)}
                    onSelect={selection.toggle}
                    onAct={onAct}
                  />
                </div>
              )
            })}
          </div>
        </div>
      </div>
      <SelectionBar
        number={selection.selected.length}
        noun="image"
        onRemove={() => setRemoving(selection.selected)}
        onClear={selection.clear}
      />
      {acting !== undefined && (
        <ImageDialog
          action={acting.action}
          image={acting.row.image}
          users={acting.row.users}
          onClose={() => setActing(undefined)}
        />
      )}
      {removing.length > 0 && (
        <RemoveImagesDialog
          rows={removing}
          onRemoved={selection.clear}
          onClose={() => setRemoving([])}
        />
      )}
    </>
  )
}
