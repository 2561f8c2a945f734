/** Volumes. @see engine/contract.ts for the conventions */
import type { Volume, VolumeCreateRequest, VolumeListResponse } from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import type { Filters } from './common.ts'

export interface VolumeEngine {
  list(filters?: Filters): Promise<VolumeListResponse>
  inspect(name: string): Promise<Volume & Attributed>
  create(config: VolumeCreateRequest): Promise<Volume & Attributed>
  remove(name: string, options?: { force?: boolean }): Promise<void>
  prune(filters?: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>
}
