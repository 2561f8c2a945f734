'use client'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { ListHead, type Column } from '@/components/page/list-head.tsx'
import { COLUMNS } from './container-row.tsx'
import type { Order, SortKey } from './list-order.ts'
import type { Selection } from './use-selection.ts'

const columns: Column<SortKey>[] = [
  { words: 'Name', key: 'name' },
  { words: 'Image', key: 'image' },
  { words: 'CPU', key: 'cpu', largestFirst: true },
  { words: 'Memory', key: 'memory', largestFirst: true },
  { words: 'Ports' },
  { words: 'State', key: 'state' },
  { words: 'Created', key: 'created', largestFirst: true },
]

export function ContainerHead(props: {
  rowCount: number
  order: Order
  onOrder: (order: Order) => void
  selection: Selection<ContainerSummary>
}) {
  return <ListHead columns={columns} className={COLUMNS} {...props} />
}
