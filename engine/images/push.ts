import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ImageProgress } from '../contract/common.ts'
import type { PushOptions } from '../contract/images.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { shortId } from '../oci/digest.ts'
import type { Registries } from '../registry/access.ts'
import type { RegistryClient } from '../registry/client.ts'
import { retryDelay } from '../registry/refusal.ts'
import { uploadBlob } from '../registry/upload.ts'
import { settleAll } from '../settle-all.ts'
import { compressLayer } from './compress-layer.ts'
import type { Image, ImageLayer } from './image.ts'
import type { IndexTree } from './index-tree.ts'
import type { Lease } from './leases.ts'
import { toldDescriptor } from './manifest-summaries.ts'
import { manifestFor, originalOf, portableEntry, type PortableImage } from './portable.ts'
import { reportProgress, retrying, type ProgressSink } from './progress.ts'
import { connectForPush } from './push/connect.ts'
import { planPush, tagsToPush, type PushPlan } from './push/plan.ts'
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
} from './reference.ts'
import { Slots } from './slots.ts'
import type { ImageStore } from './store.ts'

/** Layers of one push that are uploaded at the same time. */
const MAX_UPLOADS = 5

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
      const tags = tagsToPush(store, asked)
      const plans = await Promise.all(tags.map((tag) => planPush(store, tag, options)))
      const client = await connectForPush(
        registries,
        asked,
        options,
        neighboursOf(store, asked),
        stop,
      )
      const push = new Push(store, client, sink, stop)
      for (const plan of plans) await store.leased((lease) => push.run(plan, lease))
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
    await this.#store.rename({
      set: new Map([[name, image.id]]),
      indexes: new Map(known && [[name, known]]),
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
    const slots = new Slots(MAX_UPLOADS)
    await settleAll(
      [...blobs.values()].map((blob) =>
        slots.run(() => this.#upload(reference, blob, shortId(blob.digest))),
      ),
    )
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
    lease.blobs.add(image.id)
    if (document.manifest) lease.blobs.add(document.manifest.digest)
    for (const { blob } of document.layers) lease.blobs.add(blob.digest)
    if (entry) for (const { digest } of [entry.descriptor, ...entry.blobs]) lease.blobs.add(digest)
    for (const id of ids.toReversed())
      this.#sink.emit({ status: 'Preparing', progressDetail: {}, id: shortId(id) })

    const pushed =
      other ?? (await originalOf(this.#store, image)) ?? (await this.#recorded(image, lease))
    await this.#uploadLayers(reference, ids, pushed.layers)
    await this.#upload(reference, pushed.config, undefined)
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

  /** Compresses the layers of an image that was made here and keeps them with the manifest that names them. */
  async #recorded(image: Image, lease: Lease): Promise<PortableImage> {
    const layers: ImageLayer[] = []
    for (const layer of image.document.layers) {
      const id = shortId(layer.diffId)
      const onRead = (bytes: number): void =>
        this.#sink.count(id, 'Compressing', bytes, layer.blob.size)
      const blob = await compressLayer(this.#store, layer, lease, onRead, this.#signal)
      layers.push({ ...layer, blob })
    }
    const config = await this.#store.blobs.read(image.id)
    const portable = manifestFor(
      image.id,
      config.length,
      layers.map(({ blob }) => blob),
    )
    await this.#store.add(config, layers, portable.manifest, lease)
    return portable
  }

  /** @param ids under which the layers are told of */
  async #uploadLayers(reference: Reference, ids: string[], blobs: Descriptor[]): Promise<void> {
    const slots = new Slots(MAX_UPLOADS)
    // the same layer twice in one image is uploaded once
    const begun = new Map<string, Promise<void>>()
    const work = blobs.map((blob, index) => {
      const id = shortId(ids[index] ?? blob.digest)
      if (!slots.isFree) this.#sink.emit({ status: 'Waiting', progressDetail: {}, id })
      const known = begun.get(blob.digest)
      const upload = known ?? slots.run(() => this.#upload(reference, blob, id))
      begun.set(blob.digest, upload)
      return upload
    })
    await settleAll(work)
  }

  /** @param id under which it is told of; without one it is not */
  async #upload(reference: Reference, blob: Descriptor, id: string | undefined): Promise<void> {
    const tell = (status: string): void => {
      if (id !== undefined) this.#sink.emit({ status, progressDetail: {}, id })
    }
    // licensed content that only its own address may hand out
    if ((blob.urls ?? []).length > 0 && /foreign|nondistributable/.test(blob.mediaType)) {
      tell('Skipped foreign layer')
      return
    }
    const path = this.#store.blobs.pathOf(blob.digest)
    const uploaded = await uploadBlob(
      this.#client,
      {
        digest: blob.digest,
        size: blob.size,
        open: (start) => createReadStream(path, { start, highWaterMark: 1 << 20 }),
      },
      {
        mountFrom: this.#neighboursWith(reference, blob.digest),
        onSent: (bytes) => {
          if (id !== undefined) this.#sink.count(id, 'Pushing', bytes, blob.size)
        },
        onRetry: (seconds) => tell(retrying(seconds)),
        signal: this.#signal,
      },
    )
    switch (uploaded.how) {
      case 'existed':
        tell('Layer already exists')
        break
      case 'mounted':
        tell(`Mounted from ${uploaded.from}`)
        break
      case 'pushed':
        tell('Pushed')
        break
    }
  }

  /** Where the registry has images with this blob, as far as is known here. */
  #neighboursWith({ domain, path }: Reference, digest: string): string[] {
    for (const { document } of this.#store.all()) {
      if (document.id !== digest && !document.layers.some(({ blob }) => blob.digest === digest))
        continue
      for (const reference of this.#store.referencesOf(document.id)) {
        const isThere =
          reference.digest === document.manifest?.digest && reference.domain === domain
        if (isThere && reference.path !== path) return [reference.path]
      }
    }
    return []
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
