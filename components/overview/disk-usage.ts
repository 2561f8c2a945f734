import type { ContainerSummary, ImageSummary, Volume } from '@/engine/types/docker.ts'

/** The answer of GET /system/df: sums since API 1.52, the objects themselves before. */
export interface DiskUsageAnswer {
  ImageUsage?: Sums
  ContainerUsage?: Sums
  VolumeUsage?: Sums
  LayersSize?: number
  Images?: ImageSummary[] | null
  Containers?: ContainerSummary[] | null
  Volumes?: Volume[] | null
  /** Of this engine alone: what only its registry needs. */
  Gantry?: { RegistryUsage: Sums }
}

interface Sums {
  TotalCount?: number
  TotalSize?: number
  Reclaimable?: number
}

export interface Usage {
  number: number
  bytes: number
  /** What removing the unused would free. */
  reclaimable: number
}

export interface DiskUsage {
  images: Usage
  containers: Usage
  volumes: Usage
  /** What the registry alone needs; undefined of an engine without one. */
  registry: Usage | undefined
}

/** One shape for both, added up as the docker CLI does. */
export function readDiskUsage(answer: DiskUsageAnswer): DiskUsage {
  return {
    images: sums(answer.ImageUsage) ?? imageUsage(answer.Images ?? [], answer.LayersSize ?? 0),
    containers: sums(answer.ContainerUsage) ?? containerUsage(answer.Containers ?? []),
    volumes: sums(answer.VolumeUsage) ?? volumeUsage(answer.Volumes ?? []),
    registry: sums(answer.Gantry?.RegistryUsage),
  }
}

function sums(given: Sums | undefined): Usage | undefined {
  if (given === undefined) return undefined
  return {
    number: given.TotalCount ?? 0,
    bytes: given.TotalSize ?? 0,
    reclaimable: given.Reclaimable ?? 0,
  }
}

function imageUsage(images: ImageSummary[], layersSize: number): Usage {
  const unused = images.filter((image) => image.Containers === 0)
  // Shared layers stay as long as one image in use has them.
  const own = unused.reduce((sum, image) => sum + image.Size - Math.max(0, image.SharedSize), 0)
  const all = unused.length === images.length
  return {
    number: images.length,
    bytes: layersSize,
    reclaimable: all ? layersSize : Math.min(own, layersSize),
  }
}

function containerUsage(containers: ContainerSummary[]): Usage {
  const size = (list: ContainerSummary[]) =>
    list.reduce((sum, container) => sum + (container.SizeRw ?? 0), 0)
  const over = containers.filter(
    ({ State }) => State === 'exited' || State === 'created' || State === 'dead',
  )
  return { number: containers.length, bytes: size(containers), reclaimable: size(over) }
}

function volumeUsage(volumes: Volume[]): Usage {
  const size = (list: Volume[]) =>
    list.reduce((sum, volume) => sum + Math.max(0, volume.UsageData?.Size ?? 0), 0)
  return {
    number: volumes.length,
    bytes: size(volumes),
    reclaimable: size(volumes.filter((volume) => volume.UsageData?.RefCount === 0)),
  }
}
