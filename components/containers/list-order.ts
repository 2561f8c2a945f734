import type { ContainerSummary } from '@/engine/types/docker.ts'
import { compareNames, sortedBy, type Order } from '@/components/page/list-order.ts'
import { containerName } from './container-name.ts'
import type { FleetHistory } from './fleet-history.ts'
import { conditions, stateOf } from './state.ts'

export const sortKeys = ['name', 'image', 'cpu', 'memory', 'state', 'created'] as const
export type SortKey = (typeof sortKeys)[number]

export const usualOrder: Order<SortKey> = { key: 'name', descending: false }

/** By load as the fleet's moving averages have it, so that rows do not jump. */
export function sortedContainers(
  containers: ContainerSummary[],
  order: Order<SortKey>,
  fleet: FleetHistory,
): ContainerSummary[] {
  const average = (container: ContainerSummary, of: 'averageCpu' | 'averageMemory') =>
    fleet.trace(container.Id ?? '')?.[of] ?? -1
  return sortedBy(containers, order, {
    name: (a, b) => compareNames(containerName(a), containerName(b)),
    image: (a, b) => compareNames(a.Image ?? '', b.Image ?? ''),
    cpu: (a, b) => average(a, 'averageCpu') - average(b, 'averageCpu'),
    memory: (a, b) => average(a, 'averageMemory') - average(b, 'averageMemory'),
    state: (a, b) =>
      conditions.indexOf(stateOf(a).condition) - conditions.indexOf(stateOf(b).condition),
    created: (a, b) => (a.Created ?? 0) - (b.Created ?? 0),
  })
}
