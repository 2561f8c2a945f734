/**
 * The contract: what an engine can do, in the Docker Engine API's own types.
 *
 * Everything above it (the Docker API server, the console, later compose and clusters) uses only this interface;
 * access control and audit are decorators of it; a remote engine is the same interface over another Docker API
 * endpoint. It is cut into slices by noun, so that each user takes only what it needs.
 *
 * Conventions
 * - A container, image or network is named by full ID, unambiguous ID prefix, or name (with or without a leading `/`).
 * - Methods reject with an EngineError; its `code` tells the kind (engine/errors.ts).
 * - Endless work takes an AbortSignal and ends quietly (iterator done, stream destroyed) when it fires.
 * - Byte streams follow Docker's raw stream: with a TTY plain bytes, without one frames of
 *   `[u8 type (1 stdout, 2 stderr), 0, 0, 0, u32be length]` + payload.
 */
import type { Attributed, WithPlatform } from './types/gantry.ts'
import type {
  BuildCacheDiskUsage,
  ContainerConfig,
  ContainerInspectResponse,
  ContainersDiskUsage,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  DistributionInspect,
  EventMessage,
  FilesystemChange,
  HostConfig,
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImagesDiskUsage,
  ImageSummary,
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  NetworkingConfig,
  NetworkInspect,
  Resources,
  RestartPolicy,
  SystemInfo,
  SystemVersion,
  Volume,
  VolumeCreateRequest,
  VolumeListResponse,
  VolumesDiskUsage,
} from './types/docker.ts'
import type { Duplex, Readable } from 'node:stream'
import type { BuildEngine } from './contract/builds.ts'
import type { DistributionEngine } from './contract/distribution.ts'
import type { Filters, ImageProgress, RegistryCredentials } from './contract/common.ts'
import type { FileEngine } from './contract/files.ts'
import type { RegistryEngine } from './contract/registry.ts'

/** What opened an engine wants closed. */
export interface Engine {
  readonly system: SystemEngine
  readonly containers: ContainerEngine
  readonly files: FileEngine
  readonly execs: ExecEngine
  readonly images: ImageEngine
  readonly builds: BuildEngine
  readonly networks: NetworkEngine
  readonly volumes: VolumeEngine
  readonly registry: RegistryEngine
  readonly distribution: DistributionEngine
  /**
   * The same engine on somebody's behalf: what is made or caused through it carries the caller's name (inspect's
   * `Gantry.CreatedBy`, the events' `gantry.by`). Cheap to make; not to be closed by itself. Every door of the engine
   * goes through it; access control and audit are decorators that know their caller by it.
   */
  as(caller: Caller): Engine
  /** Lets go of everything held in this process. Containers keep running. */
  close(): Promise<void>
}

/** Who asks: by which door somebody came, or why the engine acts by itself. */
export type Caller =
  | {
      kind: 'socket'
      /** By the host's passwd, else the number. */
      name: string
      /** Of the process at the other end, by the kernel's word when it connected. */
      uid: number
      gid: number
      pid: number
      /** What that process calls itself: a hint. */
      command: string
    }
  | { kind: 'console'; name: string; userId: string }
  | { kind: 'system'; reason: string }

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

export interface TerminalSize {
  rows: number
  cols: number
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

/** The body of POST /containers/{id}/exec. */
export interface ExecConfig {
  AttachStdin?: boolean
  AttachStdout?: boolean
  AttachStderr?: boolean
  DetachKeys?: string
  Tty?: boolean
  Env?: string[]
  Cmd: string[]
  Privileged?: boolean
  User?: string
  WorkingDir?: string
  /** Height and width. */
  ConsoleSize?: [number, number]
}

export interface ExecInspect extends Attributed {
  ID: string
  ContainerID: string
  Running: boolean
  ExitCode: number | null
  Pid: number
  OpenStdin: boolean
  OpenStdout: boolean
  OpenStderr: boolean
  CanRemove: boolean
  DetachKeys: string
  ProcessConfig: {
    tty: boolean
    entrypoint: string
    arguments: string[]
    privileged: boolean
    user?: string
  }
}

export interface ExecEngine {
  create(containerId: string, config: ExecConfig): Promise<{ Id: string }>
  /** Runs it and resolves once the process is there; `stream` is absent when detached, or when the client was taken. */
  start(execId: string, options?: ExecStartOptions): Promise<{ stream?: Duplex; tty: boolean }>
  /**
   * Joins a running exec again (Gantry's own; a terminal survives a dropped connection and a restarted server by it).
   * With a TTY the last output is replayed first.
   * @throws NOT_IMPLEMENTED by engines that cannot, NOT_FOUND when it is over
   */
  attach(execId: string): Promise<{ stream: Duplex; tty: boolean }>
  resize(execId: string, size: TerminalSize): Promise<void>
  inspect(execId: string): Promise<ExecInspect>
}

export interface ExecStartOptions {
  Detach?: boolean
  Tty?: boolean
  ConsoleSize?: [number, number]
  client?: ClientConnection
}

/**
 * A client's connection that is waiting for a stream. An engine that can serves the stream on the connection itself:
 * nothing is copied on the way then, and the stream outlives the engine. Others leave it alone and return the stream.
 */
export interface ClientConnection {
  /**
   * Stops reading from it.
   *
   * @param tty whether the stream is a terminal's, which decides how it is framed
   * @returns undefined when the connection has to stay here
   */
  take(tty: boolean): TakenConnection | undefined
  /** It is served elsewhere: what is held of it here is let go. */
  letGo(): void
  /** It was taken for nothing, and is read here again. */
  giveBack(): void
}

export interface TakenConnection {
  /** To be handed on at once. */
  fd: number
  /** What the client is to be sent before the stream. */
  greeting: string
}

export interface ImageEngine {
  list(options?: ImageListOptions): Promise<(ImageSummary & WithPlatform)[]>
  inspect(name: string, options?: ImageInspectOptions): Promise<ImageInspect & Attributed>
  history(name: string): Promise<ImageHistoryResponseItem[]>
  /**
   * What each layer of an image changes, and what of it later layers made useless. Read from the unpacked layers.
   *
   * @throws NOT_IMPLEMENTED of a remote engine: the Docker API has no such call
   */
  layers(name: string): Promise<ImageLayers>
  /**
   * What one layer (0 is the lowest) adds, modifies and removes in a directory.
   *
   * @param path of the directory, `/` the root; links are not followed
   * @throws NOT_FOUND without such a layer, or when it changes nothing there; NOT_IMPLEMENTED of a remote engine
   */
  layerFiles(
    name: string,
    layer: number,
    path: string,
    page?: LayerPage,
  ): Promise<LayerDirectoryListing>
  /**
   * The files of an image, its layers merged, as an archive. Only reads.
   *
   * @throws NOT_FOUND; NOT_IMPLEMENTED of a remote engine: the Docker API has no call for it that makes no container
   */
  files(name: string, signal?: AbortSignal): Promise<Readable>
  /** Yields progress and throws when it fails; nothing half-made stays. */
  pull(reference: string, options?: PullOptions, signal?: AbortSignal): AsyncIterable<ImageProgress>
  /** A root file system tar (maybe compressed) becomes a one-layer image. */
  import(
    source: ImportSource,
    options?: ImportOptions,
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress>
  /** A `docker save` or OCI-layout tar (maybe compressed). An index whose parts are all in it is kept whole. */
  load(tar: Readable, options?: LoadOptions, signal?: AbortSignal): AsyncIterable<ImageProgress>
  /**
   * Images as one archive that `load` and other engines take; blobs as they are kept, so digests stay. A name without tag
   * stands for all tags of its repository, an ID for the image without its names.
   * @throws NOT_FOUND before the stream begins; what fails later breaks the stream
   */
  save(names: readonly string[], options?: SaveOptions, signal?: AbortSignal): Promise<Readable>
  /**
   * Sends `repo:tag`, or all tags of `repo`, to its registry; afterwards the image has the digest that it has there.
   * Yields progress and throws when it fails. What the registry has already is not sent again.
   */
  push(reference: string, options?: PushOptions, signal?: AbortSignal): AsyncIterable<ImageProgress>
  /** What a registry has under a name: digest and platforms; nothing is pulled. @see GET /distribution/{name}/json */
  distribution(
    reference: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<DistributionInspect>
  /** Searches Docker Hub, or the registry that the term names before a slash. @see GET /images/search */
  search(
    term: string,
    options?: ImageSearchOptions,
    signal?: AbortSignal,
  ): Promise<ImageSearchResult[]>
  tag(name: string, repo: string, tag?: string): Promise<void>
  /**
   * Makes an index of images that are one thing for several platforms. Names stand for the index from then on, and are here
   * those of its image for this machine, or of the first; without names that image's ID stands for it.
   *
   * @returns the ID of that image, and the index
   */
  join(
    ids: readonly string[],
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ image: string; index: { mediaType: string; digest: string; size: number } }>
  remove(
    name: string,
    options?: { force?: boolean; noprune?: boolean },
  ): Promise<ImageDeleteResponseItem[]>
  prune(
    filters?: Filters,
  ): Promise<{ ImagesDeleted: ImageDeleteResponseItem[]; SpaceReclaimed: number }>
  /** What `prune` with the same filters would remove now. */
  prunable(filters?: Filters): Promise<Prunable>
}

export interface Prunable {
  images: Pick<ImageSummary, 'Id' | 'RepoTags' | 'Created' | 'Size'>[]
  /** Bytes of layers unpacked. */
  SpaceReclaimable: number
  /** Otherwise it is the least there is to gain: layers that only these images share count for nothing. */
  isExact: boolean
}

export interface ImageListOptions {
  all?: boolean
  filters?: Filters
  sharedSize?: boolean
  /** Tell of each image the manifests of the index that it came by, with what is here of them. */
  manifests?: boolean
}

export interface ImageInspectOptions {
  /** As in a list. */
  manifests?: boolean
}

export interface LoadOptions {
  /** `os/arch[/variant]` of the images to take, where an archive has several. */
  platform?: string
}

/** Layers bottom first. Everything but directories counts as a file. */
export interface ImageLayers {
  /** `sha256:…` of the image. */
  id: string
  /** Of all layers unpacked. */
  sizeBytes: number
  /** Of files that are in a layer, though a later one overwrote or removed them. */
  wastedBytes: number
  /** The largest of these. */
  wasted: WastedFile[]
  layers: ImageLayerSummary[]
}

export interface ImageLayerSummary {
  chainId: string
  diffId: string
  /** The history's words for what made it; empty when it has none. */
  instruction: string
  /** RFC 3339; empty when unknown. */
  created: string
  /** Unpacked. */
  sizeBytes: number
  /** Of its archive as it is kept, maybe compressed. */
  archiveBytes: number
  added: number
  modified: number
  removed: number
  /** Of its files, those that later layers overwrote or removed. */
  wastedBytes: number
}

export interface WastedFile {
  path: string
  sizeBytes: number
  /** Number of the layer that has it, and of the one that overwrote or removed it. */
  layer: number
  hiddenBy: number
}

/** At most 1000 at a time. */
export interface LayerPage {
  offset?: number
  limit?: number
}

export interface LayerDirectoryListing {
  /** Directories first, in the order of names. */
  files: LayerFile[]
  total: number
}

export interface LayerFile {
  /** Text; bytes that are no UTF-8 are U+FFFD. */
  name: string
  kind: 'directory' | 'file' | 'link' | 'special'
  /** Of a directory, modified: the layer has it and those below have it too. */
  mark: 'added' | 'modified' | 'removed'
  /** Of a regular file; of one that is removed, what it had. */
  sizeBytes: number
  /** Permission bits, `0o7777` at most. */
  mode: number
  uid: number
  gid: number
  /** Seconds since the epoch. */
  modified: number
  hardLinks: number
  linkTarget?: string
  /** Of what it takes the place of, where that is no directory. */
  previousBytes?: number
  /** Of a directory: changes in it and below, in files and their bytes. */
  within?: {
    added: number
    modified: number
    removed: number
    sizeBytes: number
    hiddenBytes: number
  }
}

export interface PullOptions {
  auth?: RegistryCredentials
  /** Every tag that the registry has of the repository; the reference names none then. */
  allTags?: boolean
  platform?: string
}

export interface ImageSearchOptions {
  auth?: RegistryCredentials
  /** 1 to 100; 25 when not said. */
  limit?: number
  /** `is-official`, `is-automated`, `stars`. */
  filters?: Filters
}

export interface ImageSearchResult {
  name: string
  description: string
  star_count: number
  is_official: boolean
  is_automated: boolean
}

export interface PushOptions {
  auth?: RegistryCredentials
  /** `os/arch[/variant]`: this image of an index that is here whole, instead of the index; else the image must be for it. */
  platform?: string
}

export interface SaveOptions {
  /** `os/arch[/variant]`: these images of an index that is here whole; else each image must be for all of them. */
  platforms?: string[]
  /** The names that the images have in the archive, whatever they are called here. */
  names?: string[]
  /** Told of what the archive's index lists first, before the archive is read. */
  described?: (manifest: { mediaType: string; digest: string; size: number }) => void
}

/** Sent, or fetched by the engine, through its proxies. */
export type ImportSource = Readable | { url: string }

export interface ImportOptions {
  /** `repo[:tag]` to give the image. */
  reference?: string
  message?: string
  /** Dockerfile instructions, as `docker import --change`. */
  changes?: string[]
  platform?: string
}

/** The body of POST /networks/create. */
export interface NetworkCreateConfig {
  Name: string
  Driver?: string
  Scope?: string
  Internal?: boolean
  Attachable?: boolean
  Ingress?: boolean
  ConfigOnly?: boolean
  EnableIPv4?: boolean
  EnableIPv6?: boolean
  IPAM?: {
    Driver?: string
    Config?: {
      Subnet?: string
      IPRange?: string
      Gateway?: string
      AuxiliaryAddresses?: Record<string, string>
    }[]
    Options?: Record<string, string>
  }
  Options?: Record<string, string>
  Labels?: Record<string, string>
}

export interface NetworkEngine {
  list(filters?: Filters): Promise<(NetworkInspect & Attributed)[]>
  inspect(
    id: string,
    options?: { verbose?: boolean; scope?: string },
  ): Promise<NetworkInspect & Attributed>
  create(config: NetworkCreateConfig): Promise<{ Id: string; Warning: string }>
  connect(id: string, request: NetworkConnectRequest): Promise<void>
  disconnect(id: string, request: NetworkDisconnectRequest): Promise<void>
  remove(id: string): Promise<void>
  prune(filters?: Filters): Promise<{ NetworksDeleted: string[] }>
}

export interface VolumeEngine {
  list(filters?: Filters): Promise<VolumeListResponse>
  inspect(name: string): Promise<Volume & Attributed>
  create(config: VolumeCreateRequest): Promise<Volume & Attributed>
  remove(name: string, options?: { force?: boolean }): Promise<void>
  prune(filters?: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>
}
