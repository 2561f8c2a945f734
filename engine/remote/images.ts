import { Readable } from 'node:stream'
import type { ImageLayers, LayerDirectoryListing } from '../contract/image-layers.ts'
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
import type { Filters, ImageProgress, RegistryCredentials } from '../contract/common.ts'
import { EngineError, NotImplementedError } from '../errors.ts'
import { booleanFilter, checkFilters, matchesLabels } from '../filters.ts'
import { parsePlatform } from '../oci/platform.ts'
import type {
  ContainerSummary,
  DistributionInspect,
  ImageDeleteResponseItem,
  ImageHistoryResponseItem,
  ImageInspect,
  ImageSummary,
} from '../types/docker.ts'
import { pruneUntil } from '../until.ts'
import { filtersQuery, imagePath } from './query.ts'
import type { RequestOptions, Transport } from './transport.ts'

export class RemoteImages implements ImageEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async list(options: ImageListOptions = {}): Promise<ImageSummary[]> {
    const images = await this.#transport.json<ImageSummary[]>('GET', '/images/json', {
      query: {
        all: options.all,
        digests: true,
        'shared-size': this.#transport.speaks('1.42') ? options.sharedSize : undefined,
        manifests: this.#transport.speaks('1.47') ? options.manifests : undefined,
        filters: filtersQuery(options.filters),
      },
    })
    return images.map((image) => ({ ...image, ...namesOf(image) }))
  }

  async inspect(name: string, options: ImageInspectOptions = {}): Promise<ImageInspect> {
    return this.#transport.json('GET', `/images/${imagePath(name)}/json`, {
      query: { manifests: this.#transport.speaks('1.48') ? options.manifests : undefined },
    })
  }

  async history(name: string): Promise<ImageHistoryResponseItem[]> {
    return this.#transport.json('GET', `/images/${imagePath(name)}/history`)
  }

  layers(): Promise<ImageLayers> {
    return Promise.reject(this.#noLayers())
  }

  layerFiles(): Promise<LayerDirectoryListing> {
    return Promise.reject(this.#noLayers())
  }

  files(): Promise<Readable> {
    return Promise.reject(this.#noLayers())
  }

  pull(
    reference: string,
    options: PullOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    const { name, tag } = options.allTags
      ? { name: reference, tag: undefined }
      : splitReference(reference)
    return this.#progress('/images/create', {
      query: { fromImage: name, tag, platform: options.platform },
      headers: options.auth === undefined ? undefined : authHeader(options.auth),
      signal,
    })
  }

  push(
    reference: string,
    options: PushOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    if (options.platform !== undefined && !this.#transport.speaks('1.46'))
      throw this.#cannot('push by platform')
    const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1)
    const name = colon === -1 ? reference : reference.slice(0, colon)
    return this.#progress(`/images/${imagePath(name)}/push`, {
      query: {
        tag: colon === -1 ? undefined : reference.slice(colon + 1),
        platform: options.platform === undefined ? undefined : platformQuery(options.platform),
      },
      // older engines demand the header
      headers: authHeader(options.auth ?? {}),
      signal,
    })
  }

  async distribution(
    reference: string,
    options: { auth?: RegistryCredentials } = {},
    signal?: AbortSignal,
  ): Promise<DistributionInspect> {
    return this.#transport.json('GET', `/distribution/${imagePath(reference)}/json`, {
      headers: options.auth === undefined ? undefined : authHeader(options.auth),
      signal,
    })
  }

  async search(
    term: string,
    options: ImageSearchOptions = {},
    signal?: AbortSignal,
  ): Promise<ImageSearchResult[]> {
    return this.#transport.json('GET', '/images/search', {
      query: { term, limit: options.limit, filters: filtersQuery(options.filters) },
      headers: options.auth === undefined ? undefined : authHeader(options.auth),
      signal,
    })
  }

  import(
    source: ImportSource,
    options: ImportOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    return this.#progress('/images/create', {
      query: {
        fromSrc: source instanceof Readable ? '-' : source.url,
        repo: options.reference,
        message: options.message,
        changes: options.changes,
        platform: options.platform,
      },
      headers: { 'Content-Type': 'application/x-tar' },
      body: source instanceof Readable ? source : undefined,
      signal,
    })
  }

  load(
    tar: Readable,
    { platform }: LoadOptions = {},
    signal?: AbortSignal,
  ): AsyncIterable<ImageProgress> {
    if (platform !== undefined && !this.#transport.speaks('1.48'))
      throw this.#cannot('load by platform')
    return this.#progress('/images/load', {
      query: {
        quiet: false,
        platform: platform === undefined ? undefined : platformQuery(platform),
      },
      headers: { 'Content-Type': 'application/x-tar' },
      body: tar,
      signal,
    })
  }

  async save(
    names: readonly string[],
    options: SaveOptions = {},
    signal?: AbortSignal,
  ): Promise<Readable> {
    const { platforms = [] } = options
    if (options.names) throw this.#cannot('save images as something else than they are')
    if (platforms.length > 0 && !this.#transport.speaks('1.48'))
      throw this.#cannot('save by platform')
    return await this.#transport.request('GET', '/images/get', {
      query: { names: [...names], platform: platforms.map(platformQuery) },
      signal,
    })
  }

  join(): Promise<never> {
    return Promise.reject(this.#cannot('make one of images for several platforms'))
  }

  async tag(name: string, repo: string, tag?: string): Promise<void> {
    await this.#transport.empty('POST', `/images/${imagePath(name)}/tag`, { query: { repo, tag } })
  }

  async remove(
    name: string,
    options: { force?: boolean; noprune?: boolean } = {},
  ): Promise<ImageDeleteResponseItem[]> {
    return this.#transport.json('DELETE', `/images/${imagePath(name)}`, {
      query: { force: options.force, noprune: options.noprune },
    })
  }

  async prune(
    filters?: Filters,
  ): Promise<{ ImagesDeleted: ImageDeleteResponseItem[]; SpaceReclaimed: number }> {
    const pruned = await this.#transport.json<{
      ImagesDeleted: ImageDeleteResponseItem[] | null
      SpaceReclaimed: number
    }>('POST', '/images/prune', { query: { filters: filtersQuery(filters) } })
    return { ImagesDeleted: pruned.ImagesDeleted ?? [], SpaceReclaimed: pruned.SpaceReclaimed }
  }

  /** Docker has no call for it: by the rules of its prune, from the lists of images and containers. */
  async prunable(filters: Filters = {}): Promise<Prunable> {
    checkFilters(filters, ['dangling', 'label', 'label!', 'until'])
    const danglingOnly = booleanFilter(filters, 'dangling') ?? true
    const until = pruneUntil(filters)
    const [images, containers] = await Promise.all([
      this.list({
        sharedSize: true,
        // of the others its list knows only some, and refuses the rest
        filters: danglingOnly ? { dangling: ['true'] } : {},
      }),
      this.#transport.json<ContainerSummary[]>('GET', '/containers/json', { query: { all: true } }),
    ])
    const used = new Set(containers.map(({ ImageID }) => ImageID))
    const unused = images.filter(
      ({ Created, Id, Labels }) =>
        !used.has(Id) && Created < until && matchesLabels(filters, Labels ?? {}),
    )
    return {
      images: unused,
      SpaceReclaimable: unused.reduce(
        (sum, { SharedSize, Size }) => sum + Size - Math.max(0, SharedSize),
        0,
      ),
      isExact: false,
    }
  }

  #noLayers(): NotImplementedError {
    return new NotImplementedError(
      `the engine at ${this.#transport.url} does not tell what is in the layers of images: the Docker API has no call for it`,
    )
  }

  #cannot(what: string): NotImplementedError {
    const { apiVersion, url } = this.#transport
    return new NotImplementedError(
      `the engine at ${url} cannot ${what}: it speaks API ${apiVersion}`,
    )
  }

  /** Progress lines; one that tells an error ends them by throwing it, because the status was sent long before. */
  async *#progress(path: string, options: RequestOptions): AsyncGenerator<ImageProgress> {
    type Line = ImageProgress & { error?: string }
    for await (const line of this.#transport.lines<Line>('POST', path, options)) {
      const message = line.errorDetail?.message ?? line.error
      if (message !== undefined) throw new EngineError('SYSTEM', message)
      yield line
    }
  }
}

function authHeader(auth: RegistryCredentials): Record<string, string> {
  return { 'X-Registry-Auth': Buffer.from(JSON.stringify(auth)).toString('base64url') }
}

/** `os/arch[/variant]` as the API takes it. */
function platformQuery(platform: string): string {
  return JSON.stringify(parsePlatform(platform))
}

/** No names are null with older engines, or the word `<none>`. */
function namesOf(image: {
  RepoTags: string[] | null
  RepoDigests: string[] | null
}): Pick<ImageSummary, 'RepoTags' | 'RepoDigests'> {
  const real = (names: string[] | null): string[] =>
    (names ?? []).filter((name) => !name.startsWith('<none>'))
  return { RepoTags: real(image.RepoTags), RepoDigests: real(image.RepoDigests) }
}

/** `name[:tag][@digest]`; without a tag Docker would pull every tag there is. */
function splitReference(reference: string): { name: string; tag: string } {
  const at = reference.indexOf('@')
  if (at !== -1) return { name: reference.slice(0, at), tag: reference.slice(at + 1) }
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1)
  if (colon === -1) return { name: reference, tag: 'latest' }
  return { name: reference.slice(0, colon), tag: reference.slice(colon + 1) }
}
