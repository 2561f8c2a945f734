import type { ImageProgress } from '../contract/common.ts'
import type { PullOptions } from '../contract/images.ts'
import { EngineError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, hasDigest } from '../oci/digest.ts'
import { checkLinux, parseImageConfig } from '../oci/image-config.ts'
import { MAX_DOCUMENT_BYTES, parseManifest } from '../oci/manifest.ts'
import { isLayer } from '../oci/media-types.ts'
import {
  formatPlatform,
  hostPlatform,
  parsePlatform,
  platformMatches,
  type Platform,
} from '../oci/platform.ts'
import type { Registries } from '../registry/access.ts'
import { RegistryClient, type FetchedManifest } from '../registry/client.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { firstAnswer } from '../registry/first-answer.ts'
import { readBody } from '../registry/http.ts'
import type { Lease } from './leases.ts'
import type { ImageIndex } from './names-document.ts'
import { reportProgress, type ProgressSink } from './progress.ts'
import { askAgain } from './pull/ask-again.ts'
import { fetchLayers } from './pull/layers.ts'
import { resolveManifest, type Resolved } from './pull/manifest.ts'
import {
  checkTag,
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
  type Reference,
} from './reference.ts'
import { explainRefusal } from './refused.ts'
import type { ImageStore } from './store.ts'

/**
 * Pulls an image for one platform. Every byte is verified against its digest; layers that are here are not fetched
 * again, those that others pull at this moment are waited for, and what was begun before is gone on with.
 *
 * @throws NOT_FOUND, UNAUTHORIZED and others in Docker's words; the signal's reason when it fired
 * @see POST /images/create with `fromImage`; distribution-spec, "Pulling manifests" and "Pulling blobs"
 */
export function pullImage(
  store: ImageStore,
  registries: Registries,
  name: string,
  options: PullOptions,
  signal?: AbortSignal,
): AsyncIterable<ImageProgress> {
  return reportProgress(async (sink, stop) => {
    const asked = parseReference(name)
    const platform = options.platform ? parsePlatform(options.platform) : undefined
    try {
      const references = options.allTags
        ? await everyTag(registries, asked, options, stop)
        : [withDefaultTag(asked)]
      for (const reference of references)
        await new Pull(store, reference, sink, stop).run(registries, options, platform)
    } catch (error) {
      stop.throwIfAborted()
      throw error
    } finally {
      await store.collect()
    }
  }, signal)
}

async function everyTag(
  registries: Registries,
  asked: Reference,
  options: PullOptions,
  signal: AbortSignal,
): Promise<Reference[]> {
  if (asked.tag !== undefined || asked.digest !== undefined)
    throw new InvalidParameterError("tag can't be used with --all-tags/-a")
  const clients = await clientsOf(registries, asked, options)
  try {
    const tags = await firstAnswer(clients, (client) => client.tags(signal), signal)
    if (tags.length === 0)
      throw new NotFoundError(`repository ${familiarName(asked)} has no tags at its registry`)
    return tags.map((tag) => ({ ...asked, tag: checkTag(tag) }))
  } catch (error) {
    throw explainRefusal(error, asked)
  }
}

async function clientsOf(
  registries: Registries,
  { domain, path }: Reference,
  { auth = {} }: PullOptions,
): Promise<RegistryClient[]> {
  const endpoints = await endpointsOf(domain, registries)
  return endpoints.map(
    (endpoint) => new RegistryClient(endpoint, path, endpoint.isMirror ? {} : auth),
  )
}

class Pull {
  readonly #store: ImageStore
  readonly #reference: Reference
  readonly #sink: ProgressSink
  readonly #signal: AbortSignal
  #clients: RegistryClient[] = []

  constructor(store: ImageStore, reference: Reference, sink: ProgressSink, signal: AbortSignal) {
    this.#store = store
    this.#reference = reference
    this.#sink = sink
    this.#signal = signal
  }

  async run(
    registries: Registries,
    options: PullOptions,
    platform: Platform | undefined,
  ): Promise<void> {
    const reference = this.#reference
    this.#clients = await clientsOf(registries, reference, options)
    const resolved = await resolveManifest(
      this.#clients,
      reference,
      platform ?? hostPlatform(),
      this.#signal,
    )
    // a mirror that fails half way is replaced by the registry itself; other addresses did not answer
    const others = resolved.client.endpoint.isMirror
      ? this.#clients.filter((client) => client !== resolved.client)
      : []
    this.#clients = [resolved.client, ...others]
    this.#sink.emit({
      status: `Pulling from ${reference.path}`,
      id: reference.digest ?? reference.tag ?? '',
    })

    const before = this.#store.named(reference)?.id
    const id = await this.#store.leased((lease) => this.#fetch(resolved, platform, lease))
    const shown = familiarReference(reference)
    this.#sink.emit({ status: `Digest: ${resolved.rootDigest}` })
    this.#sink.emit({
      status:
        before === id
          ? `Status: Image is up to date for ${shown}`
          : `Status: Downloaded newer image for ${shown}`,
    })
    const labels = this.#store.get(id)?.config.config.Labels
    this.#store.events.emit('image', 'pull', shown, { ...labels, name: familiarName(reference) })
  }

  /** Fetches what lacks, takes the image in and names it; returns its ID. */
  async #fetch(resolved: Resolved, platform: Platform | undefined, lease: Lease): Promise<string> {
    const { manifest } = resolved
    for (const { mediaType } of manifest.layers) {
      if (!isLayer(mediaType)) {
        throw new InvalidParameterError(
          `${familiarReference(this.#reference)} is not a container image: unsupported media type ${mediaType || '(none)'}`,
        )
      }
    }
    const configContent = await this.#document(manifest.config, lease)
    const config = parseImageConfig(configContent)
    if (platform && !platformMatches(config, platform)) {
      throw new NotFoundError(
        `image with reference ${familiarReference(this.#reference)} was found but its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(platform)})`,
      )
    }
    checkLinux(config)
    const diffIds = config.rootfs.diff_ids
    if (diffIds.length !== manifest.layers.length) {
      throw new InvalidParameterError("layers from manifest don't match image configuration")
    }
    const layers = await fetchLayers(
      this.#store,
      this.#clients,
      manifest.layers,
      diffIds,
      lease,
      this.#sink,
      this.#signal,
    )
    const descriptor = {
      mediaType: manifest.mediaType,
      digest: resolved.digest,
      size: resolved.content.length,
    }
    const image = await this.#store.add(
      configContent,
      layers,
      { descriptor, content: resolved.content },
      lease,
    )

    const { domain, path } = this.#reference
    const names = [formatReference({ domain, path, digest: resolved.rootDigest })]
    if (this.#reference.digest === undefined) names.push(formatReference(this.#reference))
    const index = resolved.index && (await this.#keepIndex(resolved.index, lease))
    await this.#store.rename({
      set: new Map(names.map((name) => [name, image.id])),
      indexes: new Map(index && names.map((name) => [name, index])),
    })
    return image.id
  }

  /** The document alone: what it has for other platforms stays at the registry. */
  async #keepIndex(
    { content, digest, mediaType }: FetchedManifest,
    lease: Lease,
  ): Promise<ImageIndex> {
    lease.blobs.add(digest)
    await this.#store.blobs.write(content, algorithmOf(digest))
    const own = parseManifest(content, mediaType).mediaType
    return { descriptor: { mediaType: own, digest, size: content.length }, blobs: [] }
  }

  /** A small blob, from the store when it is there. */
  async #document(descriptor: Descriptor, lease: Lease): Promise<Buffer> {
    lease.blobs.add(descriptor.digest)
    if (this.#store.blobs.has(descriptor.digest))
      return await this.#store.blobs.read(descriptor.digest)
    const [client] = this.#clients
    if (!client) throw new EngineError('SYSTEM', 'there is no endpoint')
    const ask = async (): Promise<Buffer> => {
      const { body } = await client.blob(descriptor.digest, 0, this.#signal)
      const content = await readBody(body, MAX_DOCUMENT_BYTES)
      if (!hasDigest(content, descriptor.digest)) {
        throw new EngineError(
          'SYSTEM',
          `image config verification failed for digest ${descriptor.digest}`,
        )
      }
      return content
    }
    return await askAgain(ask, client, this.#clients, this.#signal)
  }
}
