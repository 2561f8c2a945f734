import type { VolumeEngine } from '../contract/volumes.ts'
import type { Filters } from '../contract/common.ts'
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '../types/docker.ts'
import { errorCode } from '../errors.ts'
import { booleanFilter } from '../filters.ts'
import { filtersQuery, segment } from './query.ts'
import type { Transport } from './transport.ts'

export class RemoteVolumes implements VolumeEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async list(filters?: Filters): Promise<VolumeListResponse> {
    const answer = await this.#transport.json<VolumeListResponse>('GET', '/volumes', {
      query: { filters: filtersQuery(filters) },
    })
    return { Volumes: answer.Volumes ?? [], Warnings: answer.Warnings ?? [] }
  }

  async inspect(name: string): Promise<Volume> {
    return this.#transport.json('GET', `/volumes/${segment(name)}`)
  }

  async create(config: VolumeCreateRequest): Promise<Volume> {
    return this.#transport.json('POST', '/volumes/create', { body: config })
  }

  async remove(name: string, options: { force?: boolean } = {}): Promise<void> {
    await this.#transport.empty('DELETE', `/volumes/${segment(name)}`, {
      query: { force: options.force },
    })
  }

  async prune(
    filters: Filters = {},
  ): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    // Before 1.42 the filter `all` is unknown and a prune takes named volumes too, which the contract forbids.
    if (!this.#transport.speaks('1.42')) {
      const { all: _, ...others } = filters
      if (booleanFilter(filters, 'all') !== true) return this.#pruneAnonymous(others)
      return this.#prune(others)
    }
    return this.#prune(filters)
  }

  async #prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    const pruned = await this.#transport.json<{
      VolumesDeleted: string[] | null
      SpaceReclaimed: number
    }>('POST', '/volumes/prune', { query: { filters: filtersQuery(filters) } })
    return { VolumesDeleted: pruned.VolumesDeleted ?? [], SpaceReclaimed: pruned.SpaceReclaimed }
  }

  async #pruneAnonymous(
    filters: Filters,
  ): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    const { Volumes = [] } = await this.list({ ...filters, dangling: ['true'] })
    const deleted: string[] = []
    for (const { Name } of Volumes.filter((volume) => /^[0-9a-f]{64}$/.test(volume.Name))) {
      try {
        await this.remove(Name)
        deleted.push(Name)
      } catch (error) {
        // Taken into use, or removed by another, since it was listed.
        if (errorCode(error) !== 'CONFLICT' && errorCode(error) !== 'NOT_FOUND') throw error
      }
    }
    return { VolumesDeleted: deleted, SpaceReclaimed: 0 }
  }
}
