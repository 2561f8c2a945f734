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
import type { Duplex, Readable } from 'node:stream'
import type { Attributed, CallerRecord, WithPlatform } from './types/gantry.ts'
import type {
  AuthConfig,
  BuildCacheDiskUsage,
  ContainerConfig,
  ContainerInspectResponse,
  ContainersDiskUsage,
  ContainerStatsResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  CreateImageInfo,
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
  OCIDescriptor,
  Resources,
  RestartPolicy,
  SystemInfo,
  SystemVersion,
  Volume,
  VolumeCreateRequest,
  VolumeListResponse,
  VolumesDiskUsage,
} from './types/docker.ts'

/** Docker's filters: a name to the values any of which may match; `label`, `label!` values all have to. */
export type Filters = Record<string, string[]>

/** What opened an engine wants closed. */
export interface Engine {
  readonly system: SystemEngine
  readonly containers: ContainerEngine
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

/** What clients send for a registry; the tokens are not in the API's description, but docker sends them. */
export type RegistryCredentials = AuthConfig & { identitytoken?: string; registrytoken?: string }

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
  /** Its root file system as a tar, without what is mounted in it. Destroy the stream to stop. */
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
    user: string
  }
}

export interface ExecEngine {
  create(containerId: string, config: ExecConfig): Promise<{ Id: string }>
  /** Runs it and resolves once the process is there; `stream` is absent when detached. */
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
}

/** One line of the progress of a pull, load or import; `status` with `id` is a layer's state. */
export type ImageProgress = CreateImageInfo & {
  stream?: string
  /** The bar that a terminal shows: `[=====>     ]  1.2MB/3.4MB`. */
  progress?: string
  aux?: { ID?: string; Tag?: string; Digest?: string; Size?: number } & Partial<PushedInstead>
}

/** A push's note that only one image of an index went, because not all of the index is here. */
export interface PushedInstead {
  manifestPushedInsteadOfIndex: true
  originalIndex: OCIDescriptor
  selectedManifest: OCIDescriptor
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

/** Builds images from Dockerfiles. */
export interface BuildEngine {
  /**
   * Builds, telling of it as it goes. What a failed build has finished stays in the cache.
   *
   * @throws INVALID_PARAMETER for a Dockerfile or a request at fault, before the first event where that can be told
   * @throws BuildError for a step that failed (`errors.ts`)
   * @see POST /build
   */
  build(request: BuildRequest, signal?: AbortSignal): AsyncIterable<BuildEvent>
  /** Every record of the build cache, the directories of `RUN --mount=type=cache` among them. */
  cache(): Promise<BuildCacheRecord[]>
  /** @see POST /build/prune */
  prune(options?: BuildPruneOptions): Promise<{ CachesDeleted: string[]; SpaceReclaimed: number }>
  /** Builds by whatever door: those under way and the newest that are over, newest first. */
  list(): Promise<BuildSummary[]>
  /**
   * A build on record with its steps.
   *
   * @param id the build's, or the `ref` that its client gave it
   * @throws NOT_FOUND
   */
  inspect(id: string): Promise<BuildRecord>
  /**
   * What happened in a build, from its beginning. Much output of one step is left out in its middle, and said so by a
   * `clipped` event; of pulls only each layer's changes are told.
   *
   * @param options.follow go on until a build that is under way is over
   * @throws NOT_FOUND
   */
  log(
    id: string,
    options?: { follow?: boolean },
    signal?: AbortSignal,
  ): AsyncIterable<BuildLogEvent>
  /**
   * Ends a build and returns when it has ended: nothing half-made is left of it, and who waits for it is told by whom.
   *
   * @throws NOT_FOUND, or CONFLICT when it is over
   */
  cancel(id: string): Promise<void>
  /** Has a record stay when it grows old, or not any more. @throws NOT_FOUND */
  pin(id: string, pinned: boolean): Promise<void>
  /** Takes a build off the record. @throws NOT_FOUND, or CONFLICT when it is under way */
  forget(id: string): Promise<void>
  /** Changes of `list`, as they come about. */
  watch(signal?: AbortSignal): AsyncIterable<BuildChange>
}

/** A build as lists show it. Times are RFC 3339. */
export interface BuildSummary {
  id: string
  /** interrupted: the engine ended before the build did. */
  state: 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted'
  createdBy: CallerRecord
  startedAt: string
  endedAt: string | null
  source: BuildSource
  /** Path in the context. */
  dockerfile: string
  /** As asked for. */
  target: string | null
  platform: string | null
  /** Full names that the image got, or was to get. */
  tags: string[]
  /** ID of the result. */
  image: string | null
  /** Known once the Dockerfile has been read. */
  totalSteps: number
  completedSteps: number
  cachedSteps: number
  warnings: number
  /** In one line. */
  error: string | null
  pinned: boolean
  client: BuildClient | null
}

/** What a client of BuildKit's says about a build. */
export interface BuildClient {
  /** Its own name for it. */
  ref: string
  attributes: Record<string, string>
  /** Names that it will give the image itself. */
  tags: string[]
}

/** Where a build's files came from. Addresses are without credentials. */
export type BuildSource =
  | { kind: 'archive' }
  /** Nothing but a Dockerfile. */
  | { kind: 'dockerfile' }
  | { kind: 'git'; address: string; commit: string | null }
  | { kind: 'url'; address: string }

export interface BuildRecord extends BuildSummary {
  steps: BuildStepRecord[]
  /** Names only: values may be secrets. */
  buildArgs: string[]
  labels: Record<string, string>
  noCache: boolean
  pull: boolean
  network: string | null
  /** The text; null when it was never read, or is too large to be kept. */
  dockerfileText: string | null
  messages: string[]
  failure: BuildFailure | null
}

export interface BuildFailure {
  message: string
  /** Lines of the Dockerfile, from 1. */
  location: { line: number; endLine: number } | null
  exitCode: number | null
  /** What the failing command printed last. */
  lastOutput: string
}

export interface BuildStepRecord {
  /** As in BuildEvent. */
  step: string
  name: string
  number: number
  total: number
  instruction: string
  location: { line: number; endLine: number } | null
  state: 'running' | 'done' | 'failed' | 'cancelled'
  cached: boolean
  startedAt: string
  endedAt: string | null
  error: string | null
}

export type BuildLogEvent =
  | BuildEvent
  /** Bytes that were printed here and not kept. */
  | { kind: 'clipped'; step: string; bytes: number }

export type BuildChange = { changed: BuildSummary } | { removed: string }

export interface BuildRequest {
  /** What it will be called on record: 32 hexadecimal digits; made up unless set. */
  id?: string
  /** For the record. */
  client?: BuildClient
  context: BuildContext
  /** Path of the Dockerfile in the context; `Dockerfile` unless set. */
  dockerfile?: string | undefined
  /** Names for the image. */
  tags?: string[]
  /** undefined as a value: known, but not set. */
  buildArgs?: Record<string, string | undefined>
  labels?: Record<string, string>
  /** Name or number of the stage to build; the last one unless set. */
  target?: string | undefined
  /** `os/arch[/variant]` to build for. */
  platform?: string | undefined
  noCache?: boolean
  /** Names of stages whose steps are done anew. */
  noCacheFilter?: string[]
  /** Ask the registry for base images even when they are here. */
  pull?: boolean
  /** Images that are here whose steps may stand in for the same steps, as their histories tell. */
  cacheFrom?: string[]
  /** By name: what stands in for the stages and images that are called so. */
  contexts?: Record<string, NamedContext>
  /** Caches elsewhere; what cannot be read of them is told as a warning. */
  cacheImports?: CacheImport[]
  /** Where what the steps led to is to be kept for other builds. */
  cacheExports?: CacheExport[]
  /** One layer of all steps, on top of what the stage is made from. */
  squash?: boolean
  /** Of `RUN`: as HostConfig.NetworkMode. */
  network?: string | undefined
  /** `host:ip` */
  extraHosts?: string[]
  /** Of `RUN`. */
  resources?: Pick<
    HostConfig,
    | 'Memory'
    | 'MemorySwap'
    | 'CpuShares'
    | 'CpuPeriod'
    | 'CpuQuota'
    | 'CpusetCpus'
    | 'CpusetMems'
    | 'ShmSize'
    | 'Ulimits'
    | 'CgroupParent'
    | 'SecurityOpt'
  >
  /** By registry, as in X-Registry-Config. */
  auth?: Record<string, RegistryCredentials>
  /** Asked for a registry (`docker.io`, `host:5000`) that `auth` does not name. */
  credentials?: (registry: string) => Promise<RegistryCredentials | undefined>
  /** For `RUN --mount=type=secret`; what resolves to undefined is not there. */
  secret?: (id: string) => Promise<Uint8Array | undefined>
  /** For `RUN --mount=type=ssh`: the path of a socket on this host. */
  ssh?: (id: string) => Promise<string | undefined>
  /** What a Dockerfile may ask for beyond a sandbox (`RUN --network=host`, `RUN --security=insecure`). */
  entitlements?: ('network.host' | 'security.insecure')[]
}

/**
 * An image by its name or out of what a client keeps, an address as a context has it, or a directory as a tar, which is opened
 * when it is needed.
 */
export type NamedContext =
  | { image: string }
  | { content: ClientContent; digest: string }
  | { remote: string }
  | { open: () => Readable }

/** Content by digest that a client keeps. */
export interface ClientContent {
  read(digest: string, signal: AbortSignal): AsyncIterable<Uint8Array>
  /** Fine when it is there already. */
  write(
    content: { digest: string; size: number },
    bytes: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>
}

/** The name of an image or of a cache in a registry, or the digest of a manifest that a client keeps. */
export type CacheImport = { registry: string } | { content: ClientContent; digest: string }

export interface CacheExport {
  to: { registry: string } | { content: ClientContent }
  /** Digest of a cache at the same place that this one goes on with: of another platform. */
  after?: string
  /** Steps of the image alone, or of every stage. */
  mode: 'min' | 'max'
  /** An index of layers, as older BuildKits write it, in place of a manifest. */
  asIndex: boolean
  isCompressed: boolean
  /** A failure is a warning. */
  ignoreErrors: boolean
  /** Told of the manifest once all is there. */
  done?: (manifest: { mediaType: string; digest: string; size: number }) => void
}

export type BuildContext =
  /** A tar, maybe compressed. */
  (
    | { tar: Readable }
    /** The address of a git repository, an archive or a Dockerfile. */
    | { remote: string }
    /** Nothing: the Dockerfile is all there is. */
    | { empty: true }
  ) & {
    /** The Dockerfile, when it is not in there; what is to be left out of the context is out then. */
    dockerfile?: string
  }

/** What happens in a build. Times are RFC 3339. */
export type BuildEvent =
  | {
      kind: 'started'
      step: string
      /** `[web 2/5] RUN make` */
      name: string
      /** Counted through all stages that are built, in the order of the file. */
      number: number
      total: number
      /** The instruction as written. */
      instruction: string
      /** Lines of the Dockerfile, from 1, where they are known. */
      location?: { line: number; endLine: number }
      at: string
    }
  | { kind: 'finished'; step: string; cached: boolean; result: string; at: string }
  | { kind: 'failed'; step: string; message: string; at: string }
  | { kind: 'log'; step: string; stream: 'stdout' | 'stderr'; data: Uint8Array; at: string }
  /** Progress of a pull. */
  | { kind: 'progress'; step: string; progress: ImageProgress }
  | { kind: 'warning'; message: string }
  /** The last event of a build that succeeded. */
  | { kind: 'built'; image: string; tags: string[] }

export interface BuildCacheRecord {
  ID: string
  Parents: string[] | null
  Type: 'regular' | 'exec.cachemount'
  Description: string
  /** A build that is under way needs it. */
  InUse: boolean
  /** An image has the same layer. */
  Shared: boolean
  Size: number
  CreatedAt: string
  LastUsedAt: string | null
  UsageCount: number
}

export interface BuildPruneOptions {
  /** Also what images share. */
  all?: boolean
  filters?: Filters
  /** Bytes of cache that may stay, those used last. */
  reservedSpace?: number | undefined
  maxUsedSpace?: number | undefined
  /** Bytes that are to be free on the disk afterwards. */
  minFreeSpace?: number | undefined
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

/**
 * The registry that an engine is: what is pushed to it lies in the engine's own store, and an image that is tagged
 * there is an image of the engine. A `reference` is a tag or a digest. Failures are `RegistryRefusal`s with the
 * specification's codes (registry-server/refusal.ts).
 *
 * @see distribution-spec 1.1
 */
export interface RegistryEngine {
  /** Names of repositories that have something in them, sorted. */
  repositories(page?: RegistryPage): Promise<RegistryNames>
  /** @throws NAME_UNKNOWN */
  tags(repository: string, page?: RegistryPage): Promise<RegistryNames>
  /** Byte for byte as pushed. @throws NAME_UNKNOWN, MANIFEST_UNKNOWN */
  manifest(repository: string, reference: string): Promise<RegistryManifest>
  /**
   * Takes a manifest whose blobs are in the repository. Returns once it would survive a power cut and, under a tag, is
   * an image of the engine where it can be one.
   *
   * @throws MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, DIGEST_INVALID
   */
  putManifest(
    repository: string,
    reference: string,
    manifest: RegistryPush,
  ): Promise<{ digest: string; subject?: string }>
  /** By digest with its tags, by tag the tag alone. @throws UNSUPPORTED for a manifest that an index here needs */
  deleteManifest(repository: string, reference: string): Promise<void>
  /** Manifests that are about another, which need not be there. @throws NAME_UNKNOWN */
  referrers(repository: string, digest: string, artifactType?: string): Promise<RegistryReferrer[]>
  /** @throws NAME_UNKNOWN, BLOB_UNKNOWN */
  statBlob(repository: string, digest: string): Promise<{ size: number }>
  /** The range gives its first and its last byte. */
  readBlob(
    repository: string,
    digest: string,
    range?: { start: number; end: number },
  ): Promise<Readable>
  /** @throws UNSUPPORTED for one that a manifest here needs */
  deleteBlob(repository: string, digest: string): Promise<void>
  /**
   * Takes a blob over from another repository, from any when none is named.
   *
   * @returns false when there is none
   */
  mountBlob(repository: string, digest: string, from?: string): Promise<boolean>
  /** @returns the upload's ID */
  beginUpload(repository: string): Promise<string>
  /** Bytes received. @throws BLOB_UPLOAD_UNKNOWN */
  uploadSize(repository: string, upload: string): Promise<number>
  /**
   * Takes the next bytes of an upload; what came before a client broke off counts. The range is their first and last
   * place in the blob, where the client tells it.
   *
   * @returns bytes received in all
   * @throws BLOB_UPLOAD_INVALID when they do not follow what is there, SIZE_INVALID
   */
  appendUpload(
    repository: string,
    upload: string,
    body: Readable,
    range?: { start: number; end: number },
  ): Promise<number>
  /** Makes it a blob of the repository. @throws DIGEST_INVALID, which ends it, too */
  finishUpload(repository: string, upload: string, digest: string): Promise<void>
  cancelUpload(repository: string, upload: string): Promise<void>
  settings(): Promise<RegistrySettings>
  /** In force at the next push to a repository, and within minutes everywhere. @throws INVALID_PARAMETER */
  setSettings(settings: RegistrySettings): Promise<void>
  /**
   * Applies the rules of retention everywhere, and lets go of blobs that pushes left behind a day ago or earlier. Never
   * takes what a container needs.
   *
   * @returns `repository:tag` and `repository@digest` of what went
   */
  collectGarbage(): Promise<{ removed: string[] }>
  /**
   * What `collectGarbage` would take now, under these settings or the ones in force; nothing is changed.
   *
   * @throws INVALID_PARAMETER
   */
  planCollection(settings?: RegistrySettings): Promise<RegistryPlan>
  usage(): Promise<RegistryUsage>
  /** @throws NAME_UNKNOWN, MANIFEST_UNKNOWN */
  describe(repository: string, reference: string): Promise<RegistryImage>
}

export interface RegistryPlan {
  tags: { repository: string; tag: string; digest: string; pushedAt: string }[]
  manifests: { repository: string; digest: string; pushedAt: string }[]
  /** That the registry would no longer need; an image of the engine may still. */
  bytes: number
}

/** What the registry holds; content that several repositories name counts in each, and once in the whole. */
export interface RegistryUsage {
  /** By name. */
  repositories: {
    name: string
    tags: number
    manifests: number
    bytes: number
    /** Of the last push, RFC 3339. */
    pushedAt: string
  }[]
  bytes: number
  /** Of these, those that neither an image of the engine nor the build cache needs. */
  onlyHere: { blobs: number; bytes: number }
  quotas: (RegistryQuota & { used: number })[]
}

/** A repository at a registry: `docker.io` and `library/busybox`, `box:5000` and `team/app`. */
export interface RemoteRepository {
  host: string
  name: string
}

/**
 * Registries, looked through without pulling anything, by the same certificates, proxies and list of insecure ones as
 * pulls and pushes. A `reference` is a tag or a digest. Mirrors are not asked. Failures carry the registry's words:
 * UNAUTHORIZED, NOT_FOUND, UNAVAILABLE (not in reach, or a rate limit), NOT_IMPLEMENTED (it does not offer this).
 *
 * @see distribution-spec 1.1
 */
export interface DistributionEngine {
  /** Tries a registry with credentials, or as nobody. What it, or the way to it, is at fault for is told, not thrown. */
  check(
    host: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<RegistryCheck>
  /** How this engine reaches it. */
  access(host: string): Promise<RegistryAccess>
  /**
   * Trusts these authorities for a registry from now on, beside the usual ones, in the place of those given here before.
   *
   * @param pem certificates; null: none any more. What others put into the directory stays
   * @throws INVALID_PARAMETER when there is no certificate in it, or one that cannot be read
   */
  setAuthorities(host: string, pem: string | null): Promise<void>
  /**
   * A page of its repositories.
   *
   * @param options.after `next` of the page before
   * @throws NOT_IMPLEMENTED when it tells nobody, or not these credentials, what it has
   */
  catalog(
    host: string,
    options?: { auth?: RegistryCredentials; count?: number; after?: string },
    signal?: AbortSignal,
  ): Promise<{ names: string[]; next?: string }>
  /** Every tag, in the registry's order. */
  tags(
    repository: RemoteRepository,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<string[]>
  describe(
    repository: RemoteRepository,
    reference: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<RegistryImage>
  /**
   * By digest with every tag that names it, by tag the tag alone.
   *
   * @throws NOT_IMPLEMENTED when it deletes nothing, or no tags alone
   */
  deleteManifest(
    repository: RemoteRepository,
    reference: string,
    options?: { auth?: RegistryCredentials },
    signal?: AbortSignal,
  ): Promise<void>
}

export interface RegistryCheck {
  outcome:
    | 'ok'
    /** Its name leads to no address. */
    | 'unknown-host'
    | 'unreachable'
    /** Its certificate is not trusted, not for this name, or over. */
    | 'certificate'
    /** It speaks http, and is not listed as one that may. */
    | 'plain-http'
    | 'unauthorized'
    | 'rate-limit'
    /** Something answers, but no registry. */
    | 'no-registry'
    | 'failed'
  /** What was seen, in the words of who said it; empty when all is well. */
  message: string
  /** What was asked in the end. */
  url: string
}

export interface RegistryAccess {
  /** It may speak http, or https with any certificate. */
  insecure: boolean
  /** That is because it is on this machine. */
  isLocal: boolean
  /** The directory for its certificates. */
  certificates: string
  /** Authorities in that directory. */
  authorities: RegistryAuthority[]
  /** Pairs of certificate and key that we show it. */
  clientCertificates: number
  /** The proxy's URL without its password; null: straight. */
  proxy: string | null
  /** Of docker.io: what is tried before it. */
  mirrors: string[]
}

export interface RegistryAuthority {
  file: string
  subject: string
  /** RFC 3339. */
  validTo: string
  /** Given by `setAuthorities`. */
  isOurs: boolean
}

/** What a tag or digest names. */
export interface RegistryImage {
  digest: string
  mediaType: string
  /** `other`: an artifact that is no image. */
  kind: 'image' | 'index' | 'other'
  /** `os/arch[/variant]` */
  platforms: string[]
  /** That `size` and `created` are of: this machine's where there is one; '' for none. */
  platform: string
  /** Bytes to download: config and layers; null when not known. */
  size: number | null
  /** RFC 3339; null when it does not say. */
  created: string | null
  artifactType?: string
}

/** What the registry deletes by itself, and how much it takes. Patterns are Go's path.Match, with `**` across slashes. */
export interface RegistrySettings {
  /** Manifests go that no tag, index or container needs for so many days after their push; null: they stay. */
  untaggedDays?: number | null
  retention?: RegistryRetention[]
  quotas?: RegistryQuota[]
}

/** Of the tags meant, those go that are neither among the last ones pushed nor younger than said. */
export interface RegistryRetention {
  repositories: string
  /** All unless set. */
  tags?: string
  /** Tags that are neither counted nor taken. */
  except?: string[]
  keepLast?: number
  olderThanDays?: number
}

/** For the repository of this name and all below it together; what several of them share counts once. */
export interface RegistryQuota {
  namespace: string
  bytes: number
}

export interface RegistryPage {
  /** At most so many. */
  count?: number
  /** Those that sort behind this one. */
  after?: string
}

export interface RegistryNames {
  names: string[]
  /** There are others behind them. */
  hasMore: boolean
}

export interface RegistryManifest {
  digest: string
  mediaType: string
  content: Buffer
}

/** A descriptor. @see image-spec descriptor.md */
export interface RegistryReferrer {
  mediaType: string
  digest: string
  size: number
  artifactType?: string
  annotations?: Record<string, string>
}

export interface RegistryPush {
  content: Buffer
  mediaType: string
  /** `host[:port]` by which the client reached the registry: the engine's image is named by it. */
  domain: string
}
