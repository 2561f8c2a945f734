/** Containers and their processes. @see engine/contract.ts for the conventions */
import type { Duplex, Readable } from 'node:stream'
import type {
  ContainerConfig,
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  FilesystemChange,
  HostConfig,
  NetworkingConfig,
  Resources,
  RestartPolicy,
} from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import type { ClientConnection, Filters, TerminalSize } from './common.ts'

/** `MacAddress` is the one asked for at creation, which only clients below API 1.52 are told. */
export type ContainerInspection = ContainerInspectResponse &
  Attributed & {
    Config?: ContainerConfig & { MacAddress?: string }
  }

/** The body of POST /containers/create. */
export type ContainerCreateConfig = ContainerConfig & {
  HostConfig?: HostConfig
  NetworkingConfig?: NetworkingConfig
}

export interface ContainerEngine {
  list(options?: ContainerListOptions): Promise<(ContainerSummary & Attributed)[]>
  create(
    config: ContainerCreateConfig,
    options?: ContainerCreateOptions,
  ): Promise<{ Id: string; Warnings: string[] }>
  inspect(id: string, options?: { size?: boolean }): Promise<ContainerInspection>
  top(id: string, psArgs?: string): Promise<ContainerTopResponse>
  /** Stored output, then live with `follow`. Framed unless the container has a TTY: `tty` tells. @see GET /containers/{id}/logs */
  logs(
    id: string,
    options: LogsOptions,
    signal?: AbortSignal,
  ): Promise<{ stream: Readable; tty: boolean }>
  /** One sample with `stream: false`, else one a second until the signal or the container's end. */
  stats(
    id: string,
    options?: StatsOptions,
    signal?: AbortSignal,
  ): AsyncIterable<ContainerStatsResponse>
  /** @throws NOT_MODIFIED (304) when it already runs */
  start(id: string): Promise<void>
  /** @throws NOT_MODIFIED (304) when it does not run */
  stop(id: string, options?: StopOptions): Promise<void>
  restart(id: string, options?: StopOptions): Promise<void>
  kill(id: string, signal?: string): Promise<void>
  pause(id: string): Promise<void>
  unpause(id: string): Promise<void>
  rename(id: string, name: string): Promise<void>
  update(id: string, update: ContainerUpdate): Promise<ContainerUpdateResponse>
  remove(id: string, options?: ContainerRemoveOptions): Promise<void>
  prune(filters?: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }>
  resize(id: string, size: TerminalSize): Promise<void>
  /** Resolves once the wait is registered; `exited` then settles when the condition holds. */
  wait(
    id: string,
    condition?: WaitCondition,
    signal?: AbortSignal,
  ): Promise<{ exited: Promise<ContainerExit> }>
  /** A duplex of the container's streams: writing is its stdin, ending the writable half closes stdin. */
  attach(id: string, options: AttachOptions): Promise<{ stream: Duplex; tty: boolean }>
  /** What its files differ in from its image's. @see GET /containers/{id}/changes */
  changes(id: string): Promise<FilesystemChange[]>
  /**
   * Its root file system as a tar, without what is mounted in it. Destroy the stream to stop. Its chunks, and those of the
   * archives below, are the reader's alone.
   */
  export(id: string): Promise<Readable>
  /**
   * Status of a file, a link in the last place not followed.
   * @throws NOT_FOUND "Could not find the file …"
   * @see HEAD /containers/{id}/archive
   */
  statPath(id: string, path: string): Promise<PathStat>
  /** A file, or a directory with all below it, as a tar; its volumes are seen, whether it runs or not. */
  readArchive(id: string, path: string): Promise<{ stat: PathStat; tar: Readable }>
  /**
   * Unpacks a tar (maybe compressed) into a directory.
   * @throws INVALID_PARAMETER when it is none, cannot be written to, or the archive is at fault
   * @see PUT /containers/{id}/archive
   */
  writeArchive(id: string, path: string, tar: Readable, options?: ArchiveOptions): Promise<void>
  /** Makes an image of the container's files as they are now. @see POST /commit */
  commit(id: string, options?: CommitOptions): Promise<{ Id: string }>
}

/** In the words of the header X-Docker-Container-Path-Stat. */
export interface PathStat {
  name: string
  size: number
  /** Permissions and type in the bits of Go's os.FileMode. */
  mode: number
  /** RFC 3339. */
  mtime: string
  /** Of a symbolic link: where it leads in the end, in the container; else ''. */
  linkTarget: string
}

export interface ArchiveOptions {
  /** Refuse to put a directory in the place of something else, or the other way round. */
  noOverwriteDirNonDir?: boolean
  /** Give all to the container's user, where it has one set. */
  copyUidGid?: boolean
}

export interface CommitOptions {
  /** The image's name; without one it has none. */
  repo?: string
  tag?: string
  author?: string
  comment?: string
  /** Freeze the container meanwhile, so that its files are of one moment. True unless set. */
  pause?: boolean
  /** Dockerfile instructions. */
  changes?: string[]
  /** Stands in for the container's own, which completes it. */
  config?: ContainerConfig
}

export interface ContainerListOptions {
  all?: boolean
  limit?: number
  size?: boolean
  filters?: Filters
}

export interface ContainerCreateOptions {
  name?: string
  /** `os/arch[/variant]`. */
  platform?: string
}

export interface LogsOptions {
  stdout?: boolean
  stderr?: boolean
  follow?: boolean
  /** Seconds since the epoch, with fractions. */
  since?: number
  until?: number
  timestamps?: boolean
  /** Number of lines from the end; undefined for all. */
  tail?: number
  details?: boolean
}

export interface StatsOptions {
  stream?: boolean
  /** With `stream: false`: do not wait a second for the previous sample. */
  oneShot?: boolean
}

export interface StopOptions {
  signal?: string
  /** Grace time in seconds before SIGKILL; -1 waits for ever. */
  timeout?: number
}

export type ContainerUpdate = Resources & { RestartPolicy?: RestartPolicy }

export interface ContainerRemoveOptions {
  force?: boolean
  /** Also remove its anonymous volumes. */
  volumes?: boolean
  link?: boolean
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed'

export interface ContainerExit {
  StatusCode: number
  Error?: { Message: string }
}

export interface AttachOptions {
  stdin?: boolean
  stdout?: boolean
  stderr?: boolean
  /** Replay what was logged. */
  logs?: boolean
  /** Then go on live. */
  stream?: boolean
  detachKeys?: string
  /** When it is taken at once, the stream that is returned is an empty one. */
  client?: ClientConnection
}
