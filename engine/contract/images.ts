/** Images, wherever they come from and go to. @see engine/contract.ts for the conventions */
import type { Readable } from 'node:stream'
import type {
  DistributionInspect,
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from '../types/docker.ts'
import type { Attributed, WithPlatform } from '../types/gantry.ts'
import type { Filters, ImageProgress, RegistryCredentials } from './common.ts'
import type { ImageLayers, LayerDirectoryListing, LayerPage } from './image-layers.ts'

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
