'use client'
import { useRouter } from 'next/navigation'
import { useCallback, useState } from 'react'
import type { Order } from '@/components/page/list-order.ts'
import { SelectableRows } from '@/components/page/selectable-rows.tsx'
import { SelectionBar } from '@/components/page/selection-bar.tsx'
import { useSelection } from '@/components/page/use-selection.ts'
import { useIsNarrow } from '@/components/ui/use-is-narrow.ts'
import { ImageCard } from './image-card.tsx'
import { ImageDialog, type ImageAction } from './image-dialogs.tsx'
import { ImageHead } from './image-head.tsx'
import { imageHref } from './image-name.ts'
import type { ImageRow as Row, SortKey } from './image-order.ts'
import { ImageRow } from './image-row.tsx'
import { RemoveImagesDialog } from './remove-images-dialog.tsx'

/** The rows themselves: virtual, selectable, with keys, and the bar and dialogs that act on them. */
export function ImageRows(props: {
  rows: Row[]
  order: Order<SortKey>
  onOrder: (order: Order<SortKey>) => void
  onFocusFilter: () => void
}) {
  const { rows } = props
  const router = useRouter()
  const narrow = useIsNarrow()
  const selection = useSelection(rows)
  const [acting, setActing] = useState<{ action: ImageAction; row: Row }>()
  const [removing, setRemoving] = useState<Row[]>([])
  const onAct = useCallback((action: ImageAction, row: Row) => setActing({ action, row }), [])

  const Each = narrow ? ImageCard : ImageRow
  return (
    <>
      <SelectableRows
        label="Images"
        rows={rows}
        rowPx={narrow ? 76 : 53}
        minWidth={narrow ? undefined : '66rem'}
        selection={selection}
        onFocusFilter={props.onFocusFilter}
        keys={{
          Enter: (row) => row && router.push(imageHref(row.Id)),
          d: (row) => {
            if (selection.selected.length > 0) setRemoving(selection.selected)
            else if (row) onAct('remove', row)
          },
        }}
        head={
          narrow ? undefined : (
            <ImageHead
              rowCount={rows.length}
              order={props.order}
              onOrder={props.onOrder}
              selection={selection}
            />
          )
        }
      >
        {(row, { selected }) => (
          <Each row={row} selected={selected} onSelect={selection.toggle} onAct={onAct} />
        )}
      </SelectableRows>
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
