import { setTimeout as sleep } from 'node:timers/promises'
import type { ImageProgress } from '../contract/common.ts'
import type { PushOptions } from '../contract/images.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { shortId } from '../oci/digest.ts'
import type { Registries } from '../registry/access.ts'
import type { RegistryClient } from '../registry/client.ts'
import { retryDelay } from '../registry/refusal.ts'
import { settleAll } from '../settle-all.ts'
import { compressLayer } from './compress-layer.ts'
import { blobsOf, type Image, type ImageLayer } from './image.ts'
import type { IndexTree } from './index-tree.ts'
import type { Lease } from './leases.ts'
import { toldDescriptor } from './manifest-summaries.ts'
import { blobsOfIndex } from './names-document.ts'
import { manifestFor, originalOf, portableEntry, type PortableImage } from './portable.ts'
import { reportProgress, type ProgressSink } from './progress.ts'
import { connectForPush } from './push/connect.ts'
import { planPush, tagsToPush, type PushPlan } from './push/plan.ts'
import { Uploads } from './push/uploads.ts'
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
} from './reference.ts'
import { Slots } from './slots.ts'
import type { ImageStore } from './store.ts'

/** Layers of one push that are compressed at the same time: each keeps all processors busy, but for its end. */
const MAX_COMPRESSIONS = 2

/**
 * Pushes a tag, or all tags of a repository. An image that came from a registry goes back byte for byte; one that was
 * made here has its layers compressed and its manifest made at its first push, and keeps both, so that its digest stays.
 *
 * @throws NOT_FOUND, UNAUTHORIZED and others in Docker's or the registry's words; the signal's reason when it fired
 * @see POST /images/{name}/push; distribution-spec, "Push"
 */
export function pushImage(
  store: ImageStore,
  registries: Registries,
  name: string,
  options: PushOptions,
  signal?: AbortSignal,
): AsyncIterable<ImageProgress> {
  return reportProgress(async (sink, stop) => {
    const asked = parseReference(name)
    if (asked.digest !== undefined)
      throw new InvalidParameterError('cannot push a digest reference')
    sink.emit({ status: `The push refers to repository [${asked.domain}/${asked.path}]` })
    try {
      await store.leased(async (lease) => {
        const tags = tagsToPush(store, asked)
        for (const { image, reference } of tags) {
          const index = store.indexOf(reference, image)
          // who removes them while a registry is waited for takes nothing away
          for (const digest of [...blobsOf(image.document), ...(index ? blobsOfIndex(index) : [])])
            lease.blobs.add(digest)
        }
        const plans = await Promise.all(tags.map((tag) => planPush(store, tag, options)))
        const client = await connectForPush(
          registries,
          asked,
          options,
          neighboursOf(store, asked),
          stop,
        )
        const push = new Push(store, client, sink, stop)
        for (const plan of plans) await push.run(plan, lease)
      })
    } catch (error) {
      stop.throwIfAborted()
      throw error
    } finally {
      await store.collect()
    }
  }, signal)
}

/** Other repositories of the registry that images here are known to be in, for mounts. */
function neighboursOf(store: ImageStore, { domain, path }: Reference): string[] {
  const found = new Set<string>()
  for (const { id } of store.all())
    for (const reference of store.referencesOf(id))
      if (reference.digest !== undefined && reference.domain === domain) found.add(reference.path)
  found.delete(path)
  // the token names each of them; a registry takes a header of some kilobytes
  return [...found].slice(0, 20)
}

class Push {
  readonly #store: ImageStore
  readonly #client: RegistryClient
  readonly #sink: ProgressSink
  readonly #signal: AbortSignal

  constructor(store: ImageStore, client: RegistryClient, sink: ProgressSink, signal: AbortSignal) {
    this.#store = store
    this.#client = client
    this.#sink = sink
    this.#signal = signal
  }

  async run(plan: PushPlan, lease: Lease): Promise<void> {
    const { image, index, reference } = plan
    const pushed = index
      ? await this.#pushIndex(reference, index, lease)
      : await this.#pushImage(plan, lease)

    const { domain, path, tag = 'latest' } = reference
    const { digest, mediaType, size } = pushed
    const name = formatReference({ domain, path, digest })
    const known = index && this.#store.indexOf(reference, image)
    await this.#store
      .rename({ set: new Map([[name, image.id]]), indexes: new Map(known && [[name, known]]) })
      .catch((error: unknown) => {
        // removed while it was on its way, it is at the registry all the same
        if (this.#store.get(image.id)) throw error
      })
    this.#sink.emit({ status: `${tag}: digest: ${digest} size: ${size}` })
    this.#sink.emit({ progressDetail: {}, aux: { Tag: tag, Digest: digest, Size: size } })
    if (plan.instead) this.#tellOfIndex(plan.instead, { mediaType, digest, size })
    const shown = familiarReference(reference)
    this.#store.events.emit('image', 'push', shown, {
      ...image.config.config.Labels,
      name: familiarName(reference),
    })
  }

  /** Every part of an index under its digest, then the index under the tag. */
  async #pushIndex(reference: Reference, tree: IndexTree, lease: Lease): Promise<Descriptor> {
    const blobs = new Map<string, Descriptor>()
    for (const entry of tree.entries) for (const blob of entry.blobs) blobs.set(blob.digest, blob)
    for (const { descriptor } of [tree, ...tree.entries]) lease.blobs.add(descriptor.digest)
    for (const { digest } of blobs.values()) {
      lease.blobs.add(digest)
      this.#sink.emit({ status: 'Preparing', progressDetail: {}, id: shortId(digest) })
    }
    const uploads = this.#uploadsTo(reference)
    for (const blob of blobs.values()) uploads.begin(blob, shortId(blob.digest))
    await uploads.settled()
    for (const { content, descriptor } of tree.entries)
      if (content) await this.#put(descriptor.digest, content, descriptor)
    await this.#put(reference.tag ?? 'latest', tree.content, tree.descriptor)
    return tree.descriptor
  }

  async #pushImage({ entry, image, reference }: PushPlan, lease: Lease): Promise<Descriptor> {
    const { document } = image
    const other = entry && portableEntry(entry)
    const ids = other
      ? other.layers.map(({ digest }) => digest)
      : document.layers.map(({ diffId }) => diffId)
    if (entry) for (const { digest } of [entry.descriptor, ...entry.blobs]) lease.blobs.add(digest)
    for (const id of ids.toReversed())
      this.#sink.emit({ status: 'Preparing', progressDetail: {}, id: shortId(id) })

    const uploads = this.#uploadsTo(reference)
    const begin = (blob: Descriptor, index: number): void =>
      uploads.begin(blob, shortId(ids[index] ?? blob.digest))
    let pushed = other ?? (await originalOf(this.#store, image))
    pushed?.layers.forEach(begin)
    try {
      pushed ??= await this.#recorded(image, lease, begin, uploads.signal)
      uploads.begin(pushed.config)
    } finally {
      await uploads.settled()
    }
    const { content, descriptor } = pushed.manifest
    await this.#put(reference.tag ?? 'latest', content, descriptor)
    return descriptor
  }

  async #put(target: string, content: Buffer, descriptor: Descriptor): Promise<void> {
    await this.#again(() => this.#client.putManifest(target, content, descriptor, this.#signal))
  }

  /** As dockerd with containerd's store tells it; its CLI knows the note since 26, others show the line. */
  #tellOfIndex(originalIndex: Descriptor, selectedManifest: Descriptor): void {
    this.#sink.emit({
      status: `Not all multiplatform-content is present and only the available single-platform image was pushed: ${originalIndex.digest} -> ${selectedManifest.digest}`,
    })
    this.#sink.emit({
      progressDetail: {},
      aux: {
        manifestPushedInsteadOfIndex: true,
        originalIndex: toldDescriptor(originalIndex),
        selectedManifest: toldDescriptor(selectedManifest),
      },
    })
  }

  #uploadsTo(reference: Reference): Uploads {
    return new Uploads(this.#store, this.#client, reference, this.#sink, this.#signal)
  }

  /**
   * Compresses the layers of an image that was made here and keeps them with the manifest that names them.
   *
   * @param onLayer told each as soon as it is compressed, so that one is on its way while the next is worked on
   */
  async #recorded(
    image: Image,
    lease: Lease,
    onLayer: (blob: Descriptor, index: number) => void,
    signal: AbortSignal,
  ): Promise<PortableImage> {
    const slots = new Slots(MAX_COMPRESSIONS)
    const layers = await settleAll(
      image.document.layers.map((layer, index) =>
        slots.run(async (): Promise<ImageLayer> => {
          const id = shortId(layer.diffId)
          const onRead = (bytes: number): void =>
            this.#sink.count(id, 'Compressing', bytes, layer.blob.size)
          signal.throwIfAborted()
          const blob = await compressLayer(this.#store, layer, lease, onRead, signal)
          onLayer(blob, index)
          return { ...layer, blob }
        }),
      ),
    )
    const config = await this.#store.blobs.read(image.id)
    const portable = manifestFor(
      image.id,
      config.length,
      layers.map(({ blob }) => blob),
    )
    await this.#store.addManifest(image.id, layers, portable.manifest, lease)
    return portable
  }

  async #again<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask()
      } catch (error) {
        this.#signal.throwIfAborted()
        const seconds = retryDelay(error, attempt)
        if (seconds === undefined) throw error
        await sleep(seconds * 1000, undefined, { signal: this.#signal })
      }
    }
  }
}
