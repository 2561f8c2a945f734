import type { Filters } from '../contract/common.ts'
import { errorCode } from '../errors.ts'
import { checkFilters, matchesLabels } from '../filters.ts'
import { pruneUntil } from '../until.ts'
import type { ContainersContext } from './context.ts'
import { removeContainer } from './remove.ts'

const FILTERS = ['label', 'label!', 'until'] as const

/**
 * Removes all containers that do not run; one that cannot be removed is reported and left.
 *
 * @see POST /containers/prune
 */
export async function pruneContainers(
  context: ContainersContext,
  filters: Filters = {},
): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
  checkFilters(filters, FILTERS)
  const until = pruneUntil(filters)
  const ContainersDeleted: string[] = []
  let SpaceReclaimed = 0
  for (const container of context.table.all()) {
    const { config, created } = container.document
    if (!['created', 'exited', 'dead'].includes(container.status)) continue
    if (!matchesLabels(filters, config.Labels) || Date.parse(created) / 1000 > until) continue
    const size = await context.images.snapshots.usage(container.id).catch(() => 0)
    try {
      await removeContainer(context, container)
    } catch (error) {
      // one that was started, or is being removed by another, meanwhile is not ours to take
      if (errorCode(error) !== 'CONFLICT')
        context.warn(`could not prune container ${container.id}`, error)
      continue
    }
    ContainersDeleted.push(container.id)
    SpaceReclaimed += size
  }
  context.events.emit('container', 'prune', '', { reclaimed: String(SpaceReclaimed) })
  return { ContainersDeleted, SpaceReclaimed }
}
