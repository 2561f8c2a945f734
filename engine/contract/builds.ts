/** What an engine builds: images from Dockerfiles, and the records of builds. @see engine/contract.ts for the conventions */
import type { CallerRecord } from '../types/gantry.ts'
import type { HostConfig } from '../types/docker.ts'
import type { Duplex, Readable } from 'node:stream'
import type { Filters, ImageProgress, RegistryCredentials } from './common.ts'

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
  /** Made for the client's own ends: other clients of BuildKit's are not told of it. */
  isInternal: boolean
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
  /** What commands see their host called, unless the argument BUILDKIT_SANDBOX_HOSTNAME says otherwise. */
  hostname?: string
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
  /** For `RUN --mount=type=ssh`; what resolves to undefined is not there. */
  ssh?: (id: string) => Promise<SshAgent | undefined>
  /** What a Dockerfile may ask for beyond a sandbox (`RUN --network=host`, `RUN --security=insecure`). */
  entitlements?: ('network.host' | 'security.insecure')[]
}

/** An image by its name or out of what a client keeps, an address as a context has it, or a directory of a client. */
export type NamedContext =
  | { image: string }
  | { content: ClientContent; digest: string }
  | { remote: string }
  | ClientDirectory

/** A directory of a client, of which what a build needs is sent. */
export interface ClientDirectory {
  /** What its client calls it in each of its builds: what came of it may be kept for the next one. undefined: nothing is. */
  key: string | undefined
  /**
   * Its files as a tar, parents before what is in them.
   *
   * @param options.only paths, `*` and `?` in them for any names, and what links among them lead to; all unless set
   * @param options.isHere told of each entry in its order: the tar is without those for which it says yes
   */
  open(options?: {
    only?: readonly string[] | undefined
    isHere?: (entry: ClientEntry) => boolean
  }): Readable
}

export interface ClientEntry {
  /** Bytes in latin1, relative to the directory. */
  name: string
  isDirectory: boolean
  /** In bytes, of a regular file; else 0. */
  size: number
  /** What it is, but for its time; of a file that was written to one of the two is another. */
  state: string
  /** In milliseconds since the epoch. */
  modifiedAt: number
}

/** Opens a connection to an ssh agent. */
export type SshAgent = () => Duplex

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
    | ClientDirectory
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
  Type: 'regular' | 'exec.cachemount' | 'source.local'
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
