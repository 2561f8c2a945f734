import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PullOptions } from '../contract/images.ts'
import type { ImageProgress } from '../contract/common.ts'
import { EngineError, errorMessage, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, chainIds, hasDigest, shortId } from '../oci/digest.ts'
import type { Digest, Sha256 } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { isAttestation, MAX_DOCUMENT_BYTES, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { isLayer } from '../oci/media-types.ts'
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  parsePlatform,
  platformMatches,
} from '../oci/platform.ts'
import type { Registries } from '../registry/access.ts'
import { RegistryClient } from '../registry/client.ts'
import type { FetchedManifest } from '../registry/client.ts'
import { endpointsOf } from '../registry/endpoints.ts'
import { firstAnswer } from '../registry/first-answer.ts'
import { readBody } from '../registry/http.ts'
import { MAX_TRIES, refusalOf, retryDelay } from '../registry/refusal.ts'
import type { ImageLayer } from './image.ts'
import { settleAll } from './load.ts'
import type { ImageIndex } from './names-document.ts'
import { reportProgress, retrying } from './progress.ts'
import type { ProgressSink } from './progress.ts'
import {
  checkTag,
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
} from './reference.ts'
import type { Reference } from './reference.ts'
import { explainRefusal } from './refused.ts'
import { Slots } from './slots.ts'
import type { DownloadProgress, ImageStore } from './store.ts'
import type { Lease } from './leases.ts'

/** Layers of one pull that are downloaded at the same time. */
const MAX_DOWNLOADS = 3

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

/** A manifest for the wanted platform, and what the reference itself meant: the same, or an index around it. */
interface Resolved {
  client: RegistryClient
  manifest: Manifest
  content: Buffer
  digest: Digest
  rootDigest: Digest
  /** The index that the reference means, when it means one. */
  index: FetchedManifest | undefined
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
    platform: ReturnType<typeof parsePlatform> | undefined,
  ): Promise<void> {
    const reference = this.#reference
    this.#clients = await clientsOf(registries, reference, options)
    const resolved = await this.#resolve(platform)
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

  async #resolve(platform: ReturnType<typeof parsePlatform> | undefined): Promise<Resolved> {
    try {
      const ask = (client: RegistryClient): Promise<Resolved> => this.#resolveAt(client, platform)
      return await firstAnswer(this.#clients, ask, this.#signal)
    } catch (error) {
      throw explainRefusal(error, this.#reference)
    }
  }

  async #resolveAt(
    client: RegistryClient,
    platform: ReturnType<typeof parsePlatform> | undefined,
  ): Promise<Resolved> {
    const asked = this.#reference.digest ?? this.#reference.tag ?? 'latest'
    const wanted = platform ?? hostPlatform()
    let fetched = await this.#again(() => client.manifest(asked, this.#signal), client)
    const root = fetched
    for (let depth = 0; depth < 4; depth++) {
      const parsed = parseManifest(fetched.content, fetched.mediaType)
      if (parsed.kind === 'manifest') {
        return {
          client,
          manifest: parsed,
          content: fetched.content,
          digest: fetched.digest,
          rootDigest: root.digest,
          index: root === fetched ? undefined : root,
        }
      }
      const chosen = choosePlatform(
        parsed.manifests.filter((entry) => !isAttestation(entry)),
        wanted,
      )
      if (!chosen) {
        throw new NotFoundError(
          `no matching manifest for ${formatPlatform(wanted)} in the manifest list entries`,
        )
      }
      fetched = await this.#again(() => client.manifest(chosen.digest, this.#signal), client)
    }
    throw new InvalidParameterError('the image index is nested too deeply')
  }

  /** Fetches what lacks, takes the image in and names it; returns its ID. */
  async #fetch(
    resolved: Resolved,
    platform: ReturnType<typeof parsePlatform> | undefined,
    lease: Lease,
  ): Promise<string> {
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
    const diffIds = config.rootfs.diff_ids
    if (diffIds.length !== manifest.layers.length) {
      throw new InvalidParameterError("layers from manifest don't match image configuration")
    }
    const layers = await this.#fetchLayers(manifest.layers, diffIds, lease)
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

  async #fetchLayers(blobs: Descriptor[], diffIds: string[], lease: Lease): Promise<ImageLayer[]> {
    const chains = chainIds(diffIds)
    for (const chainId of chains) lease.layers.add(chainId)
    for (const { digest } of blobs) lease.blobs.add(digest)

    const missing = blobs.map((_, index) => !this.#store.layers.get(chains[index] ?? ''))
    for (const [index, { digest }] of blobs.entries()) {
      const status = missing[index] ? 'Pulling fs layer' : 'Already exists'
      this.#sink.emit({ status, progressDetail: {}, id: shortId(digest) })
    }
    const slots = new Slots(MAX_DOWNLOADS)
    // one that failed stops the others
    const stop = new AbortController()
    const signal = AbortSignal.any([this.#signal, stop.signal])
    setMaxListeners(0, signal)
    const layers: ImageLayer[] = []
    const work: Promise<unknown>[] = []
    let below: Promise<unknown> = Promise.resolve()
    for (const [index, blob] of blobs.entries()) {
      const chainId = chains[index]
      const diffId = diffIds[index] as Sha256 | undefined
      if (chainId === undefined || diffId === undefined) break
      const layer = (async (belowReady: Promise<unknown>) => {
        const known = this.#store.layers.get(chainId)
        const knownBlob = known && this.#store.knownBlob(chainId)
        if (known && knownBlob) {
          lease.blobs.add(knownBlob.digest)
          layers[index] = { chainId, diffId, sizeBytes: known.sizeBytes, blob: knownBlob }
          return
        }
        const id = shortId(blob.digest)
        if (!slots.isFree) this.#sink.emit({ status: 'Waiting', progressDetail: {}, id })
        await slots.run(() => this.#download(blob, signal))
        this.#sink.emit({ status: 'Download complete', progressDetail: {}, id })
        const source = {
          chainId,
          diffId,
          below: chains.slice(0, index).reverse(),
          belowReady,
          blob: this.#store.blobs.pathOf(blob.digest),
          isKnown: this.#store.isArchiveOf(blob.digest, diffId),
        }
        const onRead = (bytes: number): void => this.#sink.count(id, 'Extracting', bytes, blob.size)
        const { sizeBytes } = await this.#store.layers.add(source, onRead, signal)
        this.#sink.count(id, 'Extracting', blob.size, blob.size)
        this.#sink.emit({ status: 'Pull complete', progressDetail: {}, id })
        layers[index] = { chainId, diffId, sizeBytes, blob }
      })(below)
      layer.catch((error: unknown) => stop.abort(error))
      below = layer
      work.push(layer)
    }
    await settleAll(work)
    return layers
  }

  /** Gets a layer's blob, or joins another pull that does. */
  async #download(blob: Descriptor, signal: AbortSignal): Promise<void> {
    if (this.#store.blobs.has(blob.digest)) return
    const id = shortId(blob.digest)
    let isVerifying = false
    const onProgress = ({ phase, current }: DownloadProgress): void => {
      if (phase === 'downloading') this.#sink.count(id, 'Downloading', current, blob.size)
      else if (!isVerifying) {
        isVerifying = true
        this.#sink.emit({ status: 'Verifying Checksum', progressDetail: {}, id })
      }
    }
    await this.#store.downloads.run(
      blob.digest,
      (workSignal, report) => this.#downloadBlob(blob, workSignal, report),
      onProgress,
      signal,
    )
  }

  async #downloadBlob(
    blob: Descriptor,
    signal: AbortSignal,
    report: (progress: DownloadProgress) => void,
  ): Promise<void> {
    const partial = await this.#store.blobs.openPartial(blob.digest)
    try {
      if (partial.size > blob.size) await partial.reset()
      for (let attempt = 1; ; attempt++) {
        try {
          const client = this.#clients[(attempt - 1) % this.#clients.length]
          if (partial.size < blob.size || blob.size === 0)
            await this.#receive(client, blob, partial, signal, report)
          report({ phase: 'verifying', current: partial.size })
          if (await partial.commit()) return
          throw new EngineError(
            'SYSTEM',
            `filesystem layer verification failed for digest ${blob.digest}`,
          )
        } catch (error) {
          signal.throwIfAborted()
          // another endpoint may have what this one has not
          const isOther = attempt < this.#clients.length && attempt < MAX_TRIES
          const seconds = retryDelay(error, attempt) ?? (isOther ? 0.5 : undefined)
          if (seconds === undefined) throw error
          await this.#pause(seconds, shortId(blob.digest), signal)
        }
      }
    } finally {
      await partial.close()
    }
  }

  async #receive(
    client: RegistryClient | undefined,
    blob: Descriptor,
    partial: Awaited<ReturnType<ImageStore['blobs']['openPartial']>>,
    signal: AbortSignal,
    report: (progress: DownloadProgress) => void,
  ): Promise<void> {
    if (!client) throw new EngineError('SYSTEM', 'there is no endpoint')
    const { body, offset } = await client.blob(blob.digest, partial.size, signal)
    try {
      if (offset !== partial.size) await partial.reset()
      for await (const chunk of body) {
        if (partial.size + (chunk as Buffer).length > blob.size) {
          await partial.reset()
          throw new EngineError(
            'SYSTEM',
            `blob ${blob.digest} is longer than the ${blob.size} bytes it should have`,
          )
        }
        // made by the parser of the answer for us alone
        await partial.append(chunk as Buffer, true)
        report({ phase: 'downloading', current: partial.size })
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof EngineError) throw error
      throw new EngineError(
        'SYSTEM',
        `download of ${blob.digest} broke off: ${errorMessage(error)}`,
        { cause: error },
      )
    } finally {
      body.destroy()
    }
    if (partial.size < blob.size) {
      throw new EngineError(
        'SYSTEM',
        `download of ${blob.digest} ended after ${partial.size} of ${blob.size} bytes`,
      )
    }
  }

  /** A small blob, from the store when it is there. */
  async #document(descriptor: Descriptor, lease: Lease): Promise<Buffer> {
    lease.blobs.add(descriptor.digest)
    if (this.#store.blobs.has(descriptor.digest))
      return await this.#store.blobs.read(descriptor.digest)
    const [client] = this.#clients
    if (!client) throw new EngineError('SYSTEM', 'there is no endpoint')
    return await this.#again(async () => {
      const { body } = await client.blob(descriptor.digest, 0, this.#signal)
      const content = await readBody(body, MAX_DOCUMENT_BYTES)
      if (!hasDigest(content, descriptor.digest)) {
        throw new EngineError(
          'SYSTEM',
          `image config verification failed for digest ${descriptor.digest}`,
        )
      }
      return content
    }, client)
  }

  /** Asks again when that may help; an endpoint that cannot be reached at all is not waited for when there is another. */
  async #again<T>(ask: () => Promise<T>, client: RegistryClient): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask()
      } catch (error) {
        this.#signal.throwIfAborted()
        const isAnswered = refusalOf(error) !== undefined
        const hasOthers = client !== this.#clients.at(-1)
        const seconds = retryDelay(error, attempt)
        if (seconds === undefined || (!isAnswered && (hasOthers || attempt >= 2))) throw error
        await this.#pause(seconds, undefined, this.#signal)
      }
    }
  }

  async #pause(seconds: number, id: string | undefined, signal: AbortSignal): Promise<void> {
    if (id !== undefined) this.#sink.emit({ status: retrying(seconds), progressDetail: {}, id })
    await sleep(seconds * 1000, undefined, { signal })
  }
}
