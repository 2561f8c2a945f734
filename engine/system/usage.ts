import type { DiskUsage, DiskUsageOptions } from '../contract/system.ts'
import type { ContainerSummary, ImageSummary, Volume } from '../types/docker.ts'

/** What takes space, object by object. */
export interface UsedObjects {
  /** Bytes of all layers, shared ones once. */
  layersBytes: number
  images: ImageSummary[]
  containers: ContainerSummary[]
  volumes: Volume[]
  buildCache: { Size?: number; InUse?: boolean; Shared?: boolean }[]
}

/** Sums up by the docker CLI's rules for its `system df` table. */
export function summarizeUsage(used: UsedObjects, options: DiskUsageOptions): DiskUsage {
  const { images, containers, volumes, buildCache } = used
  const usedImages = images.filter((image) => image.Containers > 0)
  const active = containers.filter(
    ({ State }) => State === 'running' || State === 'paused' || State === 'restarting',
  )
  const idle = containers.filter((container) => !active.includes(container))
  const usedVolumes = volumes.filter((volume) => (volume.UsageData?.RefCount ?? 0) > 0)
  const freeVolumes = volumes.filter((volume) => !usedVolumes.includes(volume))
  const sizeRw = (container: ContainerSummary): number => container.SizeRw ?? 0
  const volumeSize = (volume: Volume): number => Math.max(0, volume.UsageData?.Size ?? 0)
  const wants = (type: NonNullable<DiskUsageOptions['types']>[number]): boolean =>
    options.types === undefined || options.types.length === 0 || options.types.includes(type)
  const items = (list: unknown[]): { Items?: unknown[] } =>
    options.verbose === true ? { Items: list } : {}
  const usage: DiskUsage = {}
  if (wants('image')) {
    usage.ImageUsage = {
      ActiveCount: usedImages.length,
      TotalCount: images.length,
      TotalSize: used.layersBytes,
      Reclaimable: Math.max(
        0,
        used.layersBytes - sum(usedImages, (image) => image.Size - Math.max(0, image.SharedSize)),
      ),
      ...items(images),
    }
  }
  if (wants('container')) {
    usage.ContainerUsage = {
      ActiveCount: active.length,
      TotalCount: containers.length,
      TotalSize: sum(containers, sizeRw),
      Reclaimable: sum(idle, sizeRw),
      ...items(containers),
    }
  }
  if (wants('volume')) {
    usage.VolumeUsage = {
      ActiveCount: usedVolumes.length,
      TotalCount: volumes.length,
      TotalSize: sum(volumes, volumeSize),
      Reclaimable: sum(freeVolumes, volumeSize),
      ...items(volumes),
    }
  }
  if (wants('build-cache')) {
    usage.BuildCacheUsage = {
      ActiveCount: buildCache.filter((record) => record.InUse === true).length,
      TotalCount: buildCache.length,
      TotalSize: sum(buildCache, (record) => (record.Shared === true ? 0 : (record.Size ?? 0))),
      Reclaimable: sum(buildCache, (record) =>
        record.InUse === true || record.Shared === true ? 0 : (record.Size ?? 0),
      ),
      ...items(buildCache),
    }
  }
  return usage
}

function sum<T>(list: T[], value: (item: T) => number): number {
  return list.reduce((total, item) => total + value(item), 0)
}
