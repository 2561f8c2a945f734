import type { BuildRequest, CacheImport } from '../contract/builds.ts'
import { errorMessage } from '../errors.ts'
import type { Image } from '../images/image.ts'
import { parseReference, withDefaultTag } from '../images/reference.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import type { OciHistory } from '../oci/image-config.ts'
import type { Platform } from '../oci/platform.ts'
import { authFor, imageManifest, readDocumentBlob, registrySource } from './blob-source.ts'
import type { BlobSource } from './blob-source.ts'
import { cacheIn, parseCache } from './cache-config.ts'
import { HISTORY_MARK, nextStep } from './image-history.ts'
import type { BuilderParts } from './parts.ts'
import type { Stage } from './stage.ts'

/** A layer that is here or can be brought here. */
export interface KnownLayer {
  diffId: string
  blob: Descriptor
  /** Where from; undefined: it is here. */
  source: BlobSource | undefined
}

export interface KnownStep {
  /** null: it wrote nothing. */
  layer: KnownLayer | null
  createdAt: string
}

/** An image whose history tells by what steps it was made. */
export interface KnownImage {
  history: readonly OciHistory[]
  layers: readonly KnownLayer[]
}

/** What builds elsewhere, or of images here, have led to: by the keys of steps, or by what histories tell. */
export class KnownSteps {
  readonly #steps = new Map<string, KnownStep>()
  readonly #images: KnownImage[] = []

  /** Reads all that a request takes cache from; what cannot be read is passed over with a warning. */
  static async load(
    parts: BuilderParts,
    request: BuildRequest,
    platform: Platform,
    warn: (message: string) => void,
    signal: AbortSignal,
  ): Promise<KnownSteps> {
    const known = new KnownSteps()
    const tried = async (name: string, read: () => Promise<void> | void): Promise<void> => {
      try {
        await read()
      } catch (error) {
        signal.throwIfAborted()
        warn(`--cache-from ${name}: ${errorMessage(error)}`)
      }
    }
    for (const name of request.cacheFrom ?? [])
      await tried(name, () => {
        known.#addImage(imageHere(parts.images.store.find(name)))
      })
    for (const one of request.cacheImports ?? [])
      await tried('registry' in one ? one.registry : one.digest, () =>
        known.#read(parts, request, one, platform, signal),
      )
    return known
  }

  get isEmpty(): boolean {
    return this.#steps.size === 0 && this.#images.length === 0
  }

  step(key: string): KnownStep | undefined {
    return this.#steps.get(key)
  }

  /** What images that were made as a stage was until now have for their next step. */
  nextOf(stage: Stage): { words: string; step: KnownStep }[] {
    return this.#images.flatMap((image) => nextStep(image, stage) ?? [])
  }

  async #read(
    { images, instance }: BuilderParts,
    request: BuildRequest,
    from: CacheImport,
    platform: Platform,
    signal: AbortSignal,
  ): Promise<void> {
    if ('content' in from) {
      const content = await readDocumentBlob(from.content, from.digest, signal)
      await this.#readManifest(content, '', from.content, platform, signal)
      return
    }
    const reference = withDefaultTag(parseReference(from.registry))
    // an image of that name was built or pulled here: nobody has to be asked
    const here = images.store.named(reference)
    if (here) {
      this.#addImage(imageHere(here))
      return
    }
    const { auth = {} } = await authFor(request, reference.domain)
    const found = await registrySource(instance, reference, auth, signal)
    await this.#readManifest(found.content, found.mediaType, found.source, platform, signal)
  }

  async #readManifest(
    content: Buffer,
    mediaType: string,
    source: BlobSource,
    platform: Platform,
    signal: AbortSignal,
  ): Promise<void> {
    const cache = cacheIn(content)
    if (cache) {
      const config = await readDocumentBlob(source, cache.config.digest, signal)
      for (const { createdAt, key, layer } of parseCache(config, cache.layers))
        this.#steps.set(key, { layer: layer && { ...layer, source }, createdAt })
      return
    }
    const { manifest } = await imageManifest(content, mediaType, source, platform, signal)
    const { history, rootfs } = parseImageConfig(
      await readDocumentBlob(source, manifest.config.digest, signal),
    )
    const layers = manifest.layers.flatMap((blob, index): KnownLayer[] => {
      const diffId = rootfs.diff_ids[index]
      return diffId === undefined ? [] : [{ diffId, blob, source }]
    })
    this.#addImage({ history, layers })
  }

  #addImage(image: KnownImage): void {
    this.#images.push(image)
    const layers = [...image.layers]
    for (const { comment = '', created = '', empty_layer } of image.history) {
      const layer = empty_layer === true ? null : (layers.shift() ?? null)
      if (comment.startsWith(HISTORY_MARK))
        this.#steps.set(comment.slice(HISTORY_MARK.length), { layer, createdAt: created })
    }
  }
}

function imageHere({ config, document }: Image): KnownImage {
  return {
    history: config.history,
    layers: document.layers.map(({ blob, diffId }) => ({ blob, diffId, source: undefined })),
  }
}
