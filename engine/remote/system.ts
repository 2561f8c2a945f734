import type { DiskUsage, DiskUsageOptions, EventsOptions, SystemEngine } from '../contract.ts'
import type {
  ContainerSummary,
  EventMessage,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from '../types/docker.ts'
import { filtersQuery, timeQuery } from './query.ts'
import type { Transport } from './transport.ts'

/** What `/system/df` answers below API 1.52. */
interface LegacyDiskUsage {
  LayersSize?: number
  Images?: ImageSummary[] | null
  Containers?: ContainerSummary[] | null
  Volumes?: Volume[] | null
  BuildCache?: { Size?: number; InUse?: boolean; Shared?: boolean }[] | null
}

export class RemoteSystem implements SystemEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async version(): Promise<SystemVersion> {
    return this.#transport.json('GET', '/version')
  }

  async info(): Promise<SystemInfo> {
    return this.#transport.json('GET', '/info')
  }

  async diskUsage(options: DiskUsageOptions = {}): Promise<DiskUsage> {
    const usage = await this.#transport.json<LegacyDiskUsage>('GET', '/system/df', {
      query: { type: this.#transport.speaks('1.42') ? options.types : undefined },
    })
    return select(summarize(usage), options)
  }

  events(options: EventsOptions = {}, signal?: AbortSignal): AsyncIterable<EventMessage> {
    return this.#transport.lines('GET', '/events', {
      query: {
        since: timeQuery(options.since),
        until: timeQuery(options.until),
        filters: filtersQuery(options.filters),
      },
      signal,
    })
  }
}

/** The sums that newer engines make themselves, by the docker CLI's rules for its `system df` table. */
function summarize(usage: LegacyDiskUsage): Required<DiskUsage> {
  const images = usage.Images ?? []
  const containers = usage.Containers ?? []
  const volumes = usage.Volumes ?? []
  const cache = usage.BuildCache ?? []
  const layers = usage.LayersSize ?? 0
  const usedImages = images.filter((image) => image.Containers > 0)
  const active = containers.filter(
    ({ State }) => State === 'running' || State === 'paused' || State === 'restarting',
  )
  const idle = containers.filter((container) => !active.includes(container))
  const usedVolumes = volumes.filter((volume) => (volume.UsageData?.RefCount ?? 0) > 0)
  const freeVolumes = volumes.filter((volume) => !usedVolumes.includes(volume))
  const sizeRw = (container: ContainerSummary): number => container.SizeRw ?? 0
  const volumeSize = (volume: Volume): number => Math.max(0, volume.UsageData?.Size ?? 0)
  return {
    ImageUsage: {
      ActiveCount: usedImages.length,
      TotalCount: images.length,
      TotalSize: layers,
      Reclaimable: Math.max(
        0,
        layers - sum(usedImages, (image) => image.Size - Math.max(0, image.SharedSize)),
      ),
      Items: images,
    },
    ContainerUsage: {
      ActiveCount: active.length,
      TotalCount: containers.length,
      TotalSize: sum(containers, sizeRw),
      Reclaimable: sum(idle, sizeRw),
      Items: containers,
    },
    VolumeUsage: {
      ActiveCount: usedVolumes.length,
      TotalCount: volumes.length,
      TotalSize: sum(volumes, volumeSize),
      Reclaimable: sum(freeVolumes, volumeSize),
      Items: volumes,
    },
    BuildCacheUsage: {
      ActiveCount: cache.filter((record) => record.InUse === true).length,
      TotalCount: cache.length,
      TotalSize: sum(cache, (record) => (record.Shared === true ? 0 : (record.Size ?? 0))),
      Reclaimable: sum(cache, (record) =>
        record.InUse === true || record.Shared === true ? 0 : (record.Size ?? 0),
      ),
      Items: cache,
    },
  }
}

function select(usage: Required<DiskUsage>, { types, verbose }: DiskUsageOptions): DiskUsage {
  const wants = (type: 'container' | 'image' | 'volume' | 'build-cache'): boolean =>
    types === undefined || types.length === 0 || types.includes(type)
  const trim = <T extends { Items?: unknown[] }>(part: T): T => {
    if (verbose === true) return part
    const { Items: _items, ...counts } = part
    return counts as T
  }
  return {
    ...(wants('image') ? { ImageUsage: trim(usage.ImageUsage) } : {}),
    ...(wants('container') ? { ContainerUsage: trim(usage.ContainerUsage) } : {}),
    ...(wants('volume') ? { VolumeUsage: trim(usage.VolumeUsage) } : {}),
    ...(wants('build-cache') ? { BuildCacheUsage: trim(usage.BuildCacheUsage) } : {}),
  }
}

function sum<T>(items: T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
