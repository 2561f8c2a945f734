import type { ContainerSummary } from '@/engine/types/docker.ts'
import { containerName } from './container-name.ts'
import type { FleetHistory } from './fleet-history.ts'
import { conditions, stateOf } from './state.ts'

export type SortKey = 'name' | 'image' | 'cpu' | 'memory' | 'state' | 'created'

export interface Order {
  key: SortKey
  descending: boolean
}

/** `cpu`, or `-cpu` for the largest first, as it stands in the URL. */
export function parseOrder(text: string): Order {
  const descending = text.startsWith('-')
  const key = descending ? text.slice(1) : text
  return isSortKey(key) ? { key, descending } : { key: 'name', descending: false }
}

export function sorted(
  containers: ContainerSummary[],
  { key, descending }: Order,
  fleet: FleetHistory,
): ContainerSummary[] {
  const sign = descending ? -1 : 1
  const byKey = comparators(fleet)[key]
  return [...containers].sort((a, b) => sign * byKey(a, b) || byName(a, b))
}

function comparators(
  fleet: FleetHistory,
): Record<SortKey, (a: ContainerSummary, b: ContainerSummary) => number> {
  const average = (container: ContainerSummary, of: 'averageCpu' | 'averageMemory') =>
    fleet.trace(container.Id ?? '')?.[of] ?? -1
  return {
    name: byName,
    image: (a, b) => (a.Image ?? '').localeCompare(b.Image ?? ''),
    cpu: (a, b) => average(a, 'averageCpu') - average(b, 'averageCpu'),
    memory: (a, b) => average(a, 'averageMemory') - average(b, 'averageMemory'),
    state: (a, b) =>
      conditions.indexOf(stateOf(a).condition) - conditions.indexOf(stateOf(b).condition),
    created: (a, b) => (a.Created ?? 0) - (b.Created ?? 0),
  }
}

const collator = new Intl.Collator('en', { numeric: true })

function byName(a: ContainerSummary, b: ContainerSummary): number {
  return collator.compare(containerName(a), containerName(b))
}

function isSortKey(text: string): text is SortKey {
  return ['name', 'image', 'cpu', 'memory', 'state', 'created'].includes(text)
}
