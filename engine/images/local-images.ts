import fs from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { ImageLayers, LayerDirectoryListing, LayerPage } from '../contract/image-layers.ts'
import type {
  ImageEngine,
  ImageInspectOptions,
  ImageListOptions,
  ImageSearchOptions,
  ImageSearchResult,
  ImportOptions,
  ImportSource,
  Prunable,
  LoadOptions,
  PullOptions,
  PushOptions,
  SaveOptions,
} from '../contract/images.ts'
import { attempt } from '../attempt.ts'
import type { Filters, ImageProgress, RegistryCredentials } from '../contract/common.ts'
import type { Events } from '../events/events.ts'
import { registriesOf } from '../instance.ts'
import type { Instance } from '../instance.ts'
import type { OciImageConfig } from '../oci/image-config.ts'
import { searchImages } from '../registry/search.ts'
import { LayerExplorer } from '../store/layer-explorer.ts'
import { DEFAULT_LIMITS } from '../store/limits.ts'
import type { UnpackLimits } from '../store/limits.ts'
import type { SnapshotStore } from '../store/snapshots.ts'
import type { Trees } from '../store/trees.ts'
import type {
  DistributionInspect,
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from '../types/docker.ts'
import type { Attributed, WithPlatform } from '../types/gantry.ts'
import { commitImage } from './commit.ts'
import type { ImageCommit } from './commit.ts'
import { inspectDistribution } from './distribution.ts'
import { importImage } from './import.ts'
import type { ImageUser } from './image-users.ts'
import { descendsFrom } from './descent.ts'
import { imageFiles } from './files.ts'
import { imageLayerFiles, imageLayers } from './layers.ts'
import { joinImages } from './join.ts'
import { listImages } from './list.ts'
import { loadImages } from './load.ts'
import { manifestSummaries } from './manifest-summaries.ts'
import { prunableImages, pruneImages } from './prune.ts'
import { pullImage } from './pull.ts'
import { pushImage } from './push.ts'
import { removeImage } from './remove.ts'
import { saveImages } from './save.ts'
import { ImageStore } from './store.ts'
import type { Kept } from './store.ts'
import { imageHistory, inspectImage, namesOf, targetOf } from './summaries.ts'
import { tagImage } from './tag.ts'
import { makeWritable, removeWritable } from './writable.ts'

export interface OpenImagesOptions {
  instance: Instance
  events: Events
  /** Its opener's to close. */
  trees: Trees
  /** The containers that stand on an image. */
  usedBy: (imageId: string) => ImageUser[]
  limits?: UnpackLimits
  /** Told of documents that cannot be read. */
  warn?: (message: string, error?: unknown) => void
  /** What others than images keep. */
  kept?: () => Iterable<Kept>
}

/** What a container is made from. */
export interface ResolvedImage {
  /** `sha256:…` of the config. */
  id: string
  config: OciImageConfig
  repoTags: string[]
  repoDigests: string[]
  /** Bytes of all layers unpacked. */
  size: number
}

/** Opens the images of an instance and brings to order what a crash left. */
export async function openImages(options: OpenImagesOptions): Promise<LocalImages> {
  const { dataRoot } = options.instance
  await fs.mkdir(dataRoot, { recursive: true, mode: 0o711 })
  const { events, kept, usedBy, warn } = options
  const limits = options.limits ?? { ...DEFAULT_LIMITS, ...options.instance.unpack }
  const store = await ImageStore.open({
    dataRoot,
    events,
    usedBy,
    limits,
    ...(warn ? { warn } : {}),
    ...(kept ? { kept } : {}),
  })
  return new LocalImages(store, options.instance, options.trees)
}

/** The images of this engine, and the writable layers of its containers. */
export class LocalImages implements ImageEngine {
  readonly #store: ImageStore
  readonly #instance: Instance
  readonly #trees: Trees
  readonly #explorer = new LayerExplorer()

  constructor(store: ImageStore, instance: Instance, trees: Trees) {
    this.#store = store
    this.#instance = instance
    this.#trees = trees
  }

  /** For who makes images of parts: the builder, the registry. */
  get store(): ImageStore {
    return this.#store
  }

  /** The writable layers of containers. */
  get snapshots(): SnapshotStore {
    return this.#store.snapshots
  }

  /** @see makeWritable() */
  async makeWritable(
    containerId: string,
    imageId: string,
    mountedIds?: readonly string[],
  ): Promise<void> {
    await makeWritable(this.#store, containerId, imageId, mountedIds)
  }

  /** @see removeWritable() */
  async removeWritable(containerId: string): Promise<void> {
    await removeWritable(this.#store, containerId)
  }

  /** @throws NOT_FOUND "No such image: x:latest" */
  resolve(name: string): Promise<ResolvedImage> {
    return attempt(() => {
      const image = this.#store.find(name)
      const { RepoTags, RepoDigests } = namesOf(this.#store, image)
      return {
        id: image.id,
        config: image.config,
        repoTags: RepoTags,
        repoDigests: RepoDigests,
        size: image.size,
      }
    })
  }

  /**
   * The IDs of all images that are this one or were made from it.
   *
   * @param id full image ID
   * @see descendsFrom()
   */
  descendantsOf(id: string): ReadonlySet<string> {
    const ancestor = this.#store.get(id)
    if (!ancestor) return new Set()
    const descendants = this.#store.all().filter((image) => descendsFrom(image, ancestor))
    return new Set(descendants.map((image) => image.id))
  }

  /**
   * Resolves an image for a container that is being made. Until the work ends, with the container recorded or with
   * nothing left of it, the image counts as used by it.
   *
   * @param containerId the full ID that the container will have
   * @throws NOT_FOUND "No such image: x:latest"
   */
  async holding<T>(
    name: string,
    containerId: string,
    work: (image: ResolvedImage) => Promise<T>,
  ): Promise<T> {
    const image = this.#store.find(name)
    return await this.#store.users.during([image.id], containerId, async () =>
      work(await this.resolve(image.id)),
    )
  }

  /** The same for images that have been resolved: those to be mounted in it. */
  async holdingAll<T>(
    imageIds: readonly string[],
    containerId: string,
    work: () => Promise<T>,
  ): Promise<T> {
    return await this.#store.users.during(imageIds, containerId, work)
  }

  async list(options: ImageListOptions = {}): Promise<(ImageSummary & WithPlatform)[]> {
    const summaries = await attempt(() => listImages(this.#store, options))
    return options.manifests === true
      ? await Promise.all(summaries.map((summary) => this.#withManifests(summary)))
      : summaries
  }

  async inspect(
    name: string,
    options: ImageInspectOptions = {},
  ): Promise<ImageInspect & Attributed> {
    const store = this.#store
    const image = store.find(name)
    const named = store.nameOf(name, image)
    const inspected = inspectImage(store, image, named)
    if (options.manifests !== true) return inspected
    return { ...inspected, Manifests: await manifestSummaries(store, named, image) }
  }

  history(name: string): Promise<ImageHistoryResponseItem[]> {
    return attempt(() => imageHistory(this.#store, this.#store.find(name)))
  }

  async layers(name: string): Promise<ImageLayers> {
    return await imageLayers(this.#store, this.#explorer, name)
  }

  async layerFiles(
    name: string,
    layer: number,
    path: string,
    page: LayerPage = {},
  ): Promise<LayerDirectoryListing> {
    return await imageLayerFiles(this.#store, this.#explorer, name, layer, path, page)
  }

  async files(name: string, signal?: AbortSignal): Promise<Readable> {
    return await imageFiles(this.#store, this.#trees, name, signal)
  }

  pull(
    reference: string,
    options: PullOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    return pullImage(this.#store, registriesOf(this.#instance), reference, options, signal)
  }

  push(
    reference: string,
    options: PushOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    return pushImage(this.#store, registriesOf(this.#instance), reference, options, signal)
  }

  join(
    ids: readonly string[],
    names: readonly string[],
    signal: AbortSignal = new AbortController().signal,
  ): ReturnType<ImageEngine['join']> {
    return joinImages(this.#store, ids, names, signal)
  }

  async distribution(
    reference: string,
    options: { auth?: RegistryCredentials } = {},
    signal?: AbortSignal,
  ): Promise<DistributionInspect> {
    const registries = registriesOf(this.#instance)
    return await inspectDistribution(registries, reference, options.auth, signal)
  }

  async search(
    term: string,
    options?: ImageSearchOptions,
    signal?: AbortSignal,
  ): Promise<ImageSearchResult[]> {
    return await searchImages(registriesOf(this.#instance), term, options, signal)
  }

  import(
    source: ImportSource,
    options: ImportOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    return importImage(this.#store, this.#instance.proxies, source, options, signal)
  }

  load(tar: Readable, options?: LoadOptions, signal?: AbortSignal): AsyncIterable<ImageProgress> {
    return loadImages(this.#store, tar, options, signal)
  }

  async save(
    names: readonly string[],
    options?: SaveOptions,
    signal?: AbortSignal,
  ): Promise<Readable> {
    return await saveImages(this.#store, names, options, signal)
  }

  /** An image of a container's writable layer; what of it is the container's business is done by its caller. */
  async commit(commit: ImageCommit): Promise<{ id: string; reference: string | undefined }> {
    return await commitImage(this.#store, commit)
  }

  async tag(name: string, repo: string, tag?: string): Promise<void> {
    await tagImage(this.#store, name, repo, tag)
  }

  /** `noprune` keeps nothing here: there are no untagged parents to spare. */
  async remove(
    name: string,
    options?: { force?: boolean; noprune?: boolean },
  ): Promise<ImageDeleteResponseItem[]> {
    return await removeImage(this.#store, name, options)
  }

  async prune(
    filters?: Filters,
  ): Promise<{ ImagesDeleted: ImageDeleteResponseItem[]; SpaceReclaimed: number }> {
    return await pruneImages(this.#store, filters)
  }

  prunable(filters?: Filters): Promise<Prunable> {
    return attempt(() => prunableImages(this.#store, filters))
  }

  /** Bytes of all layers unpacked, shared ones once. */
  layersSize(): Promise<number> {
    return attempt(() => this.#store.layers.all().reduce((sum, layer) => sum + layer.sizeBytes, 0))
  }

  async #withManifests<T extends ImageSummary>(summary: T): Promise<T> {
    const image = this.#store.get(summary.Id)
    // removed meanwhile
    if (!image) return summary
    const descriptor = targetOf(this.#store, image, undefined)
    return {
      ...summary,
      ...(descriptor ? { Descriptor: descriptor } : {}),
      Manifests: await manifestSummaries(this.#store, undefined, image),
    }
  }

  /** Ends what runs in threads; nothing else holds anything open. */
  async close(): Promise<void> {
    await this.#explorer.close()
    await this.#store.close()
  }
}
