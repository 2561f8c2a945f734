import type { Filters } from '../contract.ts'
import { booleanFilter, checkFilters, matchesLabels } from '../filters.ts'
import type { ImageDeleteResponseItem } from '../types/docker.ts'
import { pruneUntil } from '../until.ts'
import { createdSeconds } from './image.ts'
import { deleteImage, untag } from './remove.ts'
import type { ImageStore } from './store.ts'

/**
 * Removes images that no container uses: nameless ones, or all with the filter `dangling=false`.
 *
 * @see POST /images/prune
 */
export async function pruneImages(
  store: ImageStore,
  filters: Filters = {},
): Promise<{ ImagesDeleted: ImageDeleteResponseItem[]; SpaceReclaimed: number }> {
  checkFilters(filters, ['dangling', 'label', 'label!', 'until'])
  const danglingOnly = booleanFilter(filters, 'dangling') ?? true
  const until = pruneUntil(filters)
  const deleted: ImageDeleteResponseItem[] = []
  let reclaimed = 0
  for (const image of store.all()) {
    const names = store.referencesOf(image.id)
    // a name by digest alone does not keep it: its tag went to a newer image
    if (danglingOnly && names.some(({ digest }) => digest === undefined)) continue
    if (
      createdSeconds(image.config) >= until ||
      !matchesLabels(filters, image.config.config.Labels)
    )
      continue
    // asked anew for each: containers are made while others are removed
    if (store.usedBy(image.id).length > 0) continue
    deleted.push(...(await untag(store, image, names)))
    const { items, bytes } = await deleteImage(store, image)
    deleted.push(...items)
    reclaimed += bytes
  }
  store.events.emit('image', 'prune', '', { reclaimed: String(reclaimed) })
  return { ImagesDeleted: deleted, SpaceReclaimed: reclaimed }
}
