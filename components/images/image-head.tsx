'use client'
import { ListHead, type Column } from '@/components/page/list-head.tsx'
import type { Order } from '@/components/page/list-order.ts'
import type { Selection } from '@/components/page/use-selection.ts'
import type { ImageRow, SortKey } from './image-order.ts'

export const COLUMNS =
  'grid grid-cols-[2.25rem_minmax(14rem,3fr)_8.5rem_7.5rem_5.5rem_6.5rem_5rem_minmax(9rem,2fr)_8.5rem] items-center'

const LEFT = 'pr-3'
const RIGHT = 'pr-3 text-right'

const columns: Column<SortKey>[] = [
  { words: 'Tags', key: 'name', className: LEFT },
  { words: 'ID', className: LEFT },
  { words: 'Platform', className: LEFT },
  { words: 'Size', key: 'size', largestFirst: true, className: RIGHT },
  {
    words: 'Unique',
    key: 'unique',
    largestFirst: true,
    className: RIGHT,
    title: 'Bytes of layers that no other image has: what removing it frees',
  },
  { words: 'Created', key: 'created', largestFirst: true, className: RIGHT },
  { words: 'Used by', key: 'users', largestFirst: true, className: LEFT },
]

export function ImageHead(props: {
  rowCount: number
  order: Order<SortKey>
  onOrder: (order: Order<SortKey>) => void
  selection: Selection<ImageRow>
}) {
  return <ListHead columns={columns} className={COLUMNS} {...props} />
}
