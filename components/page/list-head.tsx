'use client'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { cn } from '@/components/ui/cn.ts'
import type { Order } from './list-order.ts'
import type { Selection } from './use-selection.ts'

/** A column of a list; with a key the list can be sorted by it. */
export interface Column<Key extends string> {
  words: string
  key?: Key
  /** The first press puts the largest or the newest on top, else the first from A. */
  largestFirst?: boolean
  title?: string
  className?: string
}

/** Heads of a list that is a grid: select all, a head per column, and one for the actions. */
export function ListHead<Key extends string>(props: {
  columns: Column<Key>[]
  /** the grid that the rows have, too */
  className: string
  rowCount: number
  order: Order<Key>
  onOrder: (order: Order<Key>) => void
  selection: Selection<unknown>
}) {
  const { selection } = props
  const all = selection.selected.length === props.rowCount
  return (
    <div role="rowgroup" className="bg-surface sticky top-0 z-10 border-b">
      <div
        role="row"
        aria-rowindex={1}
        className={cn(props.className, 'text-muted-foreground h-9 text-xs font-medium')}
      >
        <div role="columnheader" className="flex justify-center">
          <Checkbox
            aria-label="Select all"
            checked={all ? true : selection.selected.length > 0 ? 'indeterminate' : false}
            onCheckedChange={() => (all ? selection.clear() : selection.all())}
          />
        </div>
        {props.columns.map((column) => (
          <ColumnHead
            key={column.words}
            column={column}
            order={props.order}
            onOrder={props.onOrder}
          />
        ))}
        <div role="columnheader">
          <span className="sr-only">Actions</span>
        </div>
      </div>
    </div>
  )
}

function ColumnHead<Key extends string>({
  column,
  order,
  onOrder,
}: {
  column: Column<Key>
  order: Order<Key>
  onOrder: (order: Order<Key>) => void
}) {
  const { key, words, largestFirst = false } = column
  const open = key === order.key
  const Arrow = order.descending ? ArrowDown : ArrowUp
  return (
    <div
      role="columnheader"
      title={column.title}
      aria-sort={open ? (order.descending ? 'descending' : 'ascending') : undefined}
      className={column.className}
    >
      {key === undefined ? (
        words
      ) : (
        <button
          type="button"
          onClick={() => onOrder({ key, descending: open ? !order.descending : largestFirst })}
          className={cn(
            'hover:text-foreground inline-flex items-center gap-1 rounded-sm',
            open && 'text-foreground',
          )}
        >
          {words}
          {open && <Arrow className="size-3" aria-hidden />}
        </button>
      )}
    </div>
  )
}
