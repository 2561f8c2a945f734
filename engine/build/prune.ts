import fs from 'node:fs/promises'
import type { BuildCacheRecord, BuildPruneOptions } from '../contract/builds.ts'
import type { Filters } from '../contract/common.ts'
import { InvalidParameterError } from '../errors.ts'
import { booleanFilter, checkFilters, matchesAny } from '../filters.ts'
import { parseMoment } from '../until.ts'
import type { BuilderParts } from './parts.ts'

const FILTERS = [
  'until',
  'unused-for',
  'id',
  'parent',
  'type',
  'description',
  'inuse',
  'shared',
  'private',
] as const

/**
 * Forgets steps that no build needs now, those used longest ago first, and frees their layers.
 *
 * @see POST /build/prune
 */
export async function pruneCache(
  parts: BuilderParts,
  records: readonly BuildCacheRecord[],
  options: BuildPruneOptions,
): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number }> {
  const filters = options.filters ?? {}
  const isMeant = meantBy(filters, options.all === true)
  const oldestFirst = [...records].sort(
    (a, b) => timeOf(a.LastUsedAt ?? a.CreatedAt) - timeOf(b.LastUsedAt ?? b.CreatedAt),
  )
  let total = records.reduce((sum, record) => sum + ownSize(record), 0)
  const enough = await enoughAt(parts, total, options)
  const CachesDeleted: string[] = []
  let files = 0
  for (const record of oldestFirst) {
    if (enough !== undefined && total <= enough) break
    if (record.InUse || !isMeant(record)) continue
    if (record.Type === 'regular') await parts.cache.remove(record.ID)
    else if (removeFiles(parts, record)) files += record.Size
    else continue
    total -= ownSize(record)
    CachesDeleted.push(record.ID)
  }
  const { bytes } = await parts.images.store.collect()
  const SpaceReclaimed = bytes + files
  parts.events.emit('builder', 'prune', '', { reclaimed: String(SpaceReclaimed) })
  return { CachesDeleted, SpaceReclaimed }
}

/** Of a cache mount, or of a client's directory. @returns false when it is in use */
function removeFiles(
  { cacheMounts, keptContexts }: BuilderParts,
  { ID, Type }: BuildCacheRecord,
): boolean {
  return Type === 'source.local' ? keptContexts.remove(ID) : cacheMounts.remove(ID)
}

/** Bytes of cache with which there is enough space; undefined: none of it is to stay. */
async function enoughAt(
  parts: BuilderParts,
  total: number,
  { maxUsedSpace, minFreeSpace, reservedSpace }: BuildPruneOptions,
): Promise<number | undefined> {
  const wanted: number[] = []
  if (maxUsedSpace !== undefined && maxUsedSpace > 0) wanted.push(maxUsedSpace)
  if (minFreeSpace !== undefined && minFreeSpace > 0) {
    const { bavail, bsize } = await fs.statfs(parts.instance.dataRoot)
    wanted.push(Math.max(0, total - Math.max(0, minFreeSpace - bavail * bsize)))
  }
  const reserved = reservedSpace !== undefined && reservedSpace > 0 ? reservedSpace : undefined
  if (wanted.length === 0) return reserved
  return Math.max(reserved ?? 0, Math.min(...wanted))
}

/**
 * Which records filters mean.
 *
 * @param all also those whose layers images have
 * @throws INVALID_PARAMETER for a filter that is not known
 */
export function meantBy(filters: Filters, all: boolean): (record: BuildCacheRecord) => boolean {
  checkFilters(filters, FILTERS)
  const inUse = booleanIfGiven(filters, 'inuse')
  const shared = booleanIfGiven(filters, 'shared')
  const isPrivate = booleanIfGiven(filters, 'private')
  const moments = [...(filters['until'] ?? []), ...(filters['unused-for'] ?? [])]
  if (moments.length > 1) throw new InvalidParameterError('more than one until filter specified')
  const until = moments[0] === undefined ? Infinity : parseMoment(moments[0])
  return (record) => {
    // an image needs the layer anyway: nothing is freed by forgetting it
    if (!all && record.Shared && shared !== true) return false
    if (timeOf(record.LastUsedAt ?? record.CreatedAt) / 1000 > until) return false
    if (inUse !== undefined && record.InUse !== inUse) return false
    if (shared !== undefined && record.Shared !== shared) return false
    if (isPrivate !== undefined && record.Shared === isPrivate) return false
    return (
      matchesAny(filters, 'id', (id) => record.ID.startsWith(id)) &&
      matchesAny(filters, 'parent', (id) =>
        (record.Parents ?? []).some((one) => one.startsWith(id)),
      ) &&
      matchesAny(filters, 'type', (type) => record.Type === type) &&
      matchesAny(filters, 'description', (text) => record.Description.includes(text))
    )
  }
}

/** `inuse` alone means true. */
function booleanIfGiven(filters: Filters, name: string): boolean | undefined {
  if (filters[name]?.[0] === '') return true
  return booleanFilter(filters, name)
}

function ownSize(record: BuildCacheRecord): number {
  return record.Shared ? 0 : record.Size
}

function timeOf(text: string): number {
  const time = Date.parse(text)
  return Number.isNaN(time) ? 0 : time
}
