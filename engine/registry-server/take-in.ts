import { errorCode } from '../errors.ts'
import { keptIndex, readIndex } from '../images/index-tree.ts'
import { storeSource } from '../images/portable.ts'
import { formatReference, parseReference } from '../images/reference.ts'
import type { Reference } from '../images/reference.ts'
import { removeImage } from '../images/remove.ts'
import { layerHere, stackLayers } from '../images/stack-layers.ts'
import type { ImageStore } from '../images/store.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { checkLinux, parseImageConfig } from '../oci/image-config.ts'
import { isAttestation, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { DOCKER_CONFIG, isIndex, isLayer, OCI_CONFIG } from '../oci/media-types.ts'
import { choosePlatform, hostPlatform } from '../oci/platform.ts'

/**
 * Makes what was pushed an image of the engine: the manifest itself, or the one for this machine in an index.
 *
 * @returns its ID; undefined when there is nothing here that could run
 * @throws INVALID_PARAMETER and others when it says it is an image and is none
 */
export async function takeIn(
  store: ImageStore,
  digest: string,
  mediaType: string,
): Promise<Digest | undefined> {
  const found = await findImage(store, digest, mediaType)
  if (!found) return undefined
  const { content, descriptor, manifest } = found
  const configContent = await store.blobs.read(manifest.config.digest)
  const config = parseImageConfig(configContent)
  checkLinux(config)
  const { rootfs } = config
  if (rootfs.diff_ids.length !== manifest.layers.length) return undefined
  return await store.leased(async (lease) => {
    const layers = await stackLayers(
      manifest.layers,
      rootfs.diff_ids,
      lease,
      async (blob, place) => {
        lease.blobs.add(blob.digest)
        // that this blob unpacks to the layer which is here is only said
        const here = layerHere(store, lease, place)
        if (here) return here
        const source = {
          ...place,
          blob: store.blobs.pathOf(blob.digest),
          isKnown: store.isArchiveOf(blob.digest, place.diffId),
        }
        const { sizeBytes } = await store.layers.add(source, () => undefined)
        return { chainId: place.chainId, diffId: place.diffId, sizeBytes, blob }
      },
    )
    const image = await store.add(configContent, layers, { descriptor, content }, lease)
    return image.id as Digest
  })
}

/**
 * Gives an image of the engine the names under which it was pushed.
 *
 * @param pushed the manifest that has the names, or the index around it, which is kept with them
 */
export async function nameImage(
  store: ImageStore,
  image: string,
  names: readonly Reference[],
  pushed: Descriptor,
): Promise<void> {
  const formatted = names.map(formatReference)
  const index = isIndex(pushed.mediaType)
    ? keptIndex(await readIndex(storeSource(store), pushed))
    : undefined
  await store.rename({
    set: new Map(formatted.map((name) => [name, image])),
    indexes: new Map(index && formatted.map((name) => [name, index])),
  })
  const labels = store.get(image)?.config.config.Labels
  for (const [index, { tag }] of names.entries())
    if (tag !== undefined)
      store.events.emit('image', 'tag', image, { ...labels, name: formatted[index] ?? '' })
}

/** Takes names away from an image, and the image with its last, unless a container needs it. */
export async function unnameImage(
  store: ImageStore,
  image: string,
  names: readonly Reference[],
): Promise<void> {
  for (const name of names) {
    // somebody may have given the name to another
    if (store.named(name)?.id !== image) continue
    try {
      await removeImage(store, formatReference(name))
    } catch (error) {
      if (errorCode(error) !== 'CONFLICT' && errorCode(error) !== 'NOT_FOUND') throw error
    }
  }
}

/** The name of an image by the host that it was pushed to; undefined when that makes none. */
export function nameAt(
  domain: string,
  repository: string,
  target: { tag: string } | { digest: Digest },
): Reference | undefined {
  const suffix = 'tag' in target ? `:${target.tag}` : `@${target.digest}`
  try {
    const reference = parseReference(`${domain}/${repository}${suffix}`)
    return reference.domain === domain && reference.path === repository ? reference : undefined
  } catch {
    return undefined
  }
}

async function findImage(
  store: ImageStore,
  digest: string,
  mediaType: string,
): Promise<{ manifest: Manifest; descriptor: Descriptor; content: Buffer } | undefined> {
  let wanted = { digest, mediaType }
  for (let depth = 0; depth < 4; depth++) {
    const content = await store.blobs.read(wanted.digest)
    const parsed = parseManifest(content, wanted.mediaType)
    if (parsed.kind === 'manifest') {
      const isImage =
        (parsed.config.mediaType === OCI_CONFIG || parsed.config.mediaType === DOCKER_CONFIG) &&
        parsed.layers.every((layer) => isLayer(layer.mediaType) && store.blobs.has(layer.digest))
      if (!isImage) return undefined
      const { mediaType: type } = parsed
      const descriptor = { mediaType: type, digest: wanted.digest as Digest, size: content.length }
      return { manifest: parsed, descriptor, content }
    }
    const entries = parsed.manifests.filter((entry) => !isAttestation(entry))
    const chosen = choosePlatform(entries, hostPlatform())
    if (!chosen) return undefined
    wanted = { digest: chosen.digest, mediaType: chosen.mediaType }
  }
  return undefined
}
