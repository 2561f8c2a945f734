'use client'
import { ArrowDown, ArrowUp } from 'lucide-react'
import type { Selection } from '@/components/containers/use-selection.ts'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { cn } from '@/components/ui/cn.ts'
import type { ImageRow, Order, SortKey } from './image-order.ts'

export const COLUMNS =
  'grid grid-cols-[2.25rem_minmax(14rem,3fr)_8.5rem_7.5rem_5.5rem_6.5rem_5rem_minmax(9rem,2fr)_8.5rem] items-center'

const heads: { words: string; key?: SortKey; right?: boolean; title?: string }[] = [
  { words: 'Tags', key: 'name' },
  { words: 'ID' },
  { words: 'Platform' },
  { words: 'Size', key: 'size', right: true },
  {
    words: 'Unique',
    key: 'unique',
    right: true,
    title: 'Bytes of layers that no other image has: what removing it frees',
  },
  { words: 'Created', key: 'created', right: true },
  { words: 'Used by', key: 'users' },
]

export function ImageHead(props: {
  rowCount: number
  order: Order
  onOrder: (order: Order) => void
  selection: Selection<ImageRow>
}) {
  const { selection } = props
  const all = selection.selected.length === props.rowCount
  return (
    <div role="rowgroup" className="bg-surface sticky top-0 z-10 border-b">
      <div
        role="row"
        aria-rowindex={1}
        className={cn(COLUMNS, 'text-muted-foreground h-9 text-xs font-medium')}
      >
        <div role="columnheader" className="flex justify-center">
          <Checkbox
            aria-label="Select all"
            checked={all ? true : selection.selected.length > 0 ? 'indeterminate' : false}
            onCheckedChange={() => (all ? selection.clear() : selection.all())}
          />
        </div>
        {heads.map((head) => (
          <Head key={head.words} head={head} order={props.order} onOrder={props.onOrder} />
        ))}
        <div role="columnheader">
          <span className="sr-only">Actions</span>
        </div>
      </div>
    </div>
  )
}

function Head({
  head,
  order,
  onOrder,
}: {
  head: (typeof heads)[number]
  order: Order
  onOrder: (order: Order) => void
}) {
  const { key, words } = head
  const open = key === order.key
  const Arrow = order.descending ? ArrowDown : ArrowUp
  return (
    <div
      role="columnheader"
      title={head.title}
      aria-sort={open ? (order.descending ? 'descending' : 'ascending') : undefined}
      className={cn('pr-3', head.right === true && 'text-right')}
    >
      {key === undefined ? (
        words
      ) : (
        <button
          type="button"
          // The first press shows the largest and the newest on top, and names from A.
          onClick={() => onOrder({ key, descending: open ? !order.descending : key !== 'name' })}
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
