import { z } from 'zod'
import { callerSchema } from '../caller.ts'
import type { Caller } from '../contract.ts'
import type { ContainerConfig, EndpointSettings, HostConfig, MountPoint } from '../types/docker.ts'
import type { PartlyMounted } from '../types/gantry.ts'
import type { Sandbox } from '../networks/sandbox.ts'
import { NETWORK_FILES, type NetworkFile } from './network-files.ts'

/** As inspect tells it. Of an image `Source` is the ID and `Name` what it was asked for by. */
export type ContainerMount = MountPoint & PartlyMounted

/** The life of a container. @see ContainerState.Status, Docker Engine API */
export const STATUSES = [
  'created',
  'running',
  'paused',
  'restarting',
  'exited',
  'removing',
  'dead',
] as const
export type Status = (typeof STATUSES)[number]

/**
 * What a container is: written when it is made, renamed or updated, synced to disk before the caller hears of it.
 * Kept in <data>/containers/<id>/container.json.
 */
export interface ContainerDocument {
  version: 1
  id: string
  name: string
  /** RFC 3339 with nanoseconds. */
  created: string
  /** Who asked for it; unknown of containers older than the record. */
  createdBy?: Caller | undefined
  /** `sha256:…` of the image's config. */
  imageId: string
  /** The image's config merged with what was asked for. */
  config: ContainerConfig
  hostConfig: HostConfig
  /** Endpoint settings as asked for, by network name. */
  networks: Record<string, EndpointSettings>
  mounts: ContainerMount[]
  platform: string
}

/**
 * How a container is: written at each transition by an atomic rename, not synced. What a power cut may take from it is
 * only how the container ended, which is then 255, as with every container that ran when the power went.
 * Kept in <data>/containers/<id>/state.json.
 */
export interface ContainerState {
  status: Status
  /** A start is under way: its sandbox may exist, its shim may run. */
  starting: boolean
  /** Of the container's init in the host's numbering; 0 when it does not run. */
  pid: number
  exitCode: number
  error: string
  oomKilled: boolean
  startedAt: string
  finishedAt: string
  restartCount: number
  /** Paused for the time of a commit only. */
  pausedForCommit: boolean
  /** Stopped or killed by a request: `unless-stopped` remembers it. */
  manuallyStopped: boolean
  sandbox: Sandbox | null
  /** Of a container with a health check, from its first start on. */
  health?: ContainerHealth | undefined
  /** Its removal is to take its anonymous volumes as well. */
  removesVolumes?: boolean
  /** What an update under way makes of its settings; its limits in the kernel are as before, as after, or partly so. */
  updatingTo?: HostConfig | null
  /** Its sandbox in the kernel may be another than is written here. */
  sandboxChanging?: boolean
  /** Those of its files that are not yet written as the sandbox has them. */
  filesBehind?: NetworkFile[]
}

export interface ContainerHealth {
  Status: 'starting' | 'healthy' | 'unhealthy'
  FailingStreak: number
  /** The last five, the newest last. */
  Log: { Start: string; End: string; ExitCode: number; Output: string }[]
}

export const NEVER = '0001-01-01T00:00:00Z'

export function initialState(): ContainerState {
  return {
    status: 'created',
    starting: false,
    pid: 0,
    exitCode: 0,
    error: '',
    oomKilled: false,
    startedAt: NEVER,
    finishedAt: NEVER,
    restartCount: 0,
    pausedForCommit: false,
    manuallyStopped: false,
    sandbox: null,
  }
}

const record = z.record(z.string(), z.unknown())

/** Our own files: the envelope is checked, the Docker types inside were checked when they came in. */
export const documentSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().min(1),
  created: z.string(),
  createdBy: callerSchema.optional(),
  imageId: z.string(),
  config: record,
  hostConfig: record,
  networks: z.record(z.string(), record),
  mounts: z.array(record),
  platform: z.string(),
}) as unknown as z.ZodType<ContainerDocument>

export const stateSchema = z.object({
  status: z.enum(STATUSES),
  starting: z.boolean(),
  pid: z.number().int(),
  exitCode: z.number().int(),
  error: z.string(),
  oomKilled: z.boolean(),
  startedAt: z.string(),
  finishedAt: z.string(),
  restartCount: z.number().int(),
  pausedForCommit: z.boolean().default(false),
  manuallyStopped: z.boolean(),
  sandbox: z.union([record, z.null()]),
  health: record.optional(),
  removesVolumes: z.boolean().optional(),
  updatingTo: record.nullable().optional(),
  sandboxChanging: z.boolean().optional(),
  filesBehind: z.array(z.enum(NETWORK_FILES)).optional(),
}) as unknown as z.ZodType<ContainerState>
