'use client'
import { ArrowDown, ArrowUp } from 'lucide-react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { cn } from '@/components/ui/cn.ts'
import { COLUMNS } from './container-row.tsx'
import type { Order, SortKey } from './list-order.ts'
import type { Selection } from './use-selection.ts'

const heads: { words: string; key?: SortKey }[] = [
  { words: 'Name', key: 'name' },
  { words: 'Image', key: 'image' },
  { words: 'CPU', key: 'cpu' },
  { words: 'Memory', key: 'memory' },
  { words: 'Ports' },
  { words: 'State', key: 'state' },
  { words: 'Created', key: 'created' },
]

export function ListHead(props: {
  rowCount: number
  order: Order
  onOrder: (order: Order) => void
  selection: Selection<ContainerSummary>
}) {
  const { order, selection } = props
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
        {heads.map(({ words, key }) => {
          const open = key === order.key
          return (
            <div
              key={words}
              role="columnheader"
              aria-sort={open ? (order.descending ? 'descending' : 'ascending') : undefined}
            >
              {key === undefined ? (
                words
              ) : (
                <button
                  type="button"
                  // The first press shows the largest load and the newest on top, and names from A.
                  onClick={() =>
                    props.onOrder({
                      key,
                      descending: open
                        ? !order.descending
                        : key === 'cpu' || key === 'memory' || key === 'created',
                    })
                  }
                  className={cn(
                    'hover:text-foreground inline-flex items-center gap-1 rounded-sm',
                    open && 'text-foreground',
                  )}
                >
                  {words}
                  {open &&
                    (order.descending ? (
                      <ArrowDown className="size-3" aria-hidden />
                    ) : (
                      <ArrowUp className="size-3" aria-hidden />
                    ))}
                </button>
              )}
            </div>
          )
        })}
        <div role="columnheader">
          <span className="sr-only">Actions</span>
        </div>
      </div>
    </div>
  )
}
