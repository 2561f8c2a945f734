import type { ImagesDiskUsage } from '../types/docker.ts'
import type { ImageStore } from './store.ts'
import { summaryOf } from './summaries.ts'

/**
 * What the images take: each layer counted once.
 *
 * @param verbose list the images with their shared sizes and containers
 * @see GET /system/df
 */
export function diskUsage(store: ImageStore, verbose: boolean): ImagesDiskUsage {
  const images = store.all()
  const active = images.filter(({ id }) => store.usedBy(id).length > 0)
  const total = new Map<string, number>()
  for (const { document } of images) {
    for (const { chainId, sizeBytes } of document.layers) total.set(chainId, sizeBytes)
  }
  const inUse = new Set<string>(
    active.flatMap(({ document }) => document.layers.map(({ chainId }) => chainId)),
  )
  let totalSize = 0
  let reclaimable = 0
  for (const [chainId, sizeBytes] of total) {
    totalSize += sizeBytes
    if (!inUse.has(chainId)) reclaimable += sizeBytes
  }
  return {
    ActiveCount: active.length,
    TotalCount: images.length,
    Reclaimable: reclaimable,
    TotalSize: totalSize,
    ...(verbose ? { Items: images.map((image) => summaryOf(store, image, true)) } : {}),
  }
}
