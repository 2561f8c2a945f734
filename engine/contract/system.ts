/** What the engine tells of itself and of what happens. @see engine/contract.ts for the conventions */
import type {
  BuildCacheDiskUsage,
  ContainersDiskUsage,
  EventMessage,
  ImagesDiskUsage,
  SystemInfo,
  SystemVersion,
  VolumesDiskUsage,
} from '../types/docker.ts'
import type { Filters, RegistryCredentials } from './common.ts'

export interface SystemEngine {
  version(): Promise<SystemVersion>
  info(): Promise<SystemInfo>
  diskUsage(options?: DiskUsageOptions): Promise<DiskUsage>
  /**
   * Tries credentials at their registry. Gives an identity token that stands for the password, empty when there is none.
   *
   * @throws UNAUTHORIZED with the registry's words
   * @see POST /auth
   */
  authenticate(credentials: RegistryCredentials, signal?: AbortSignal): Promise<string>
  /** Past events from `since` on, then live ones until `until` or the signal. @see GET /events */
  events(options?: EventsOptions, signal?: AbortSignal): AsyncIterable<EventMessage>
}

export interface DiskUsageOptions {
  types?: ('container' | 'image' | 'volume' | 'build-cache')[]
  verbose?: boolean
}

export interface DiskUsage {
  ImageUsage?: ImagesDiskUsage
  ContainerUsage?: ContainersDiskUsage
  VolumeUsage?: VolumesDiskUsage
  BuildCacheUsage?: BuildCacheDiskUsage
  /** What the registry alone needs, under Gantry's own key. */
  Gantry?: { RegistryUsage: RegistryDiskUsage }
}

/** Blobs that lie in the store because the registry names them, and nothing else does. */
export interface RegistryDiskUsage {
  /** Repositories. */
  TotalCount: number
  /** Bytes. */
  TotalSize: number
  /** What applying the rules of retention now would free. */
  Reclaimable: number
}

export interface EventsOptions {
  /** Seconds since the epoch, with fractions. */
  since?: number
  until?: number
  filters?: Filters
}
