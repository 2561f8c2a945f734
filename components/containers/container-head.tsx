'use client'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { ListHead, type Column } from '@/components/page/list-head.tsx'
import type { Order } from '@/components/page/list-order.ts'
import type { Selection } from '@/components/page/use-selection.ts'
import { COLUMNS } from './container-row.tsx'
import type { SortKey } from './list-order.ts'

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
  order: Order<SortKey>
  onOrder: (order: Order<SortKey>) => void
  selection: Selection<ContainerSummary>
}) {
  return <ListHead columns={columns} className={COLUMNS} {...props} />
}
