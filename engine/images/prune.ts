import type { Prunable } from '../contract/images.ts'
import type { Filters } from '../contract/common.ts'
import { booleanFilter, checkFilters, matchesLabels } from '../filters.ts'
import type { ImageDeleteResponseItem } from '../types/docker.ts'
import { pruneUntil } from '../until.ts'
import { createdSeconds } from './image.ts'
import type { Image } from './image.ts'
import { deleteImage } from './remove.ts'
import type { ImageStore } from './store.ts'
import { namesOf } from './summaries.ts'

/**
 * Removes images that nothing uses: nameless ones, or all with the filter `dangling=false`.
 *
 * @see POST /images/prune
 */
export async function pruneImages(
  store: ImageStore,
  filters: Filters = {},
): Promise<{ ImagesDeleted: ImageDeleteResponseItem[]; SpaceReclaimed: number }> {
  const isPrunable = pruneRule(store, filters)
  const deleted: ImageDeleteResponseItem[] = []
  let reclaimed = 0
  for (const image of store.all()) {
    // asked for each when its turn has come: names are given and containers made while others are removed
    const gone = await deleteImage(store, image, () => isPrunable(image))
    deleted.push(...(gone?.items ?? []))
    reclaimed += gone?.bytes ?? 0
  }
  store.events.emit('image', 'prune', '', { reclaimed: String(reclaimed) })
  return { ImagesDeleted: deleted, SpaceReclaimed: reclaimed }
}

/** What a prune with these filters would remove now, and the bytes that only these images hold. */
export function prunableImages(store: ImageStore, filters: Filters = {}): Prunable {
  const images = store.all().filter(pruneRule(store, filters))
  return {
    images: images.map((image) => ({
      Id: image.id,
      RepoTags: namesOf(store, image).RepoTags,
      Created: createdSeconds(image.config),
      Size: image.size,
    })),
    SpaceReclaimable: store.bytesOnlyOf(new Set(images.map(({ id }) => id))),
    isExact: true,
  }
}

function pruneRule(store: ImageStore, filters: Filters): (image: Image) => boolean {
  checkFilters(filters, ['dangling', 'label', 'label!', 'until'])
  const danglingOnly = booleanFilter(filters, 'dangling') ?? true
  const until = pruneUntil(filters)
  return (image) => {
    // a name by digest alone does not keep it: its tag went to a newer image
    const isTagged = store.referencesOf(image.id).some(({ digest }) => digest === undefined)
    if (danglingOnly && isTagged) return false
    if (createdSeconds(image.config) >= until) return false
    if (!matchesLabels(filters, image.config.config.Labels)) return false
    return store.users.of(image.id).length === 0 && !store.isHeld(image.id)
  }
}
