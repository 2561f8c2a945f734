import { InvalidParameterError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import { OCI_INDEX } from '../oci/media-types.ts'
import { hostPlatform, platformMatches } from '../oci/platform.ts'
import { compressLayer } from './compress-layer.ts'
import type { Image, ImageLayer } from './image.ts'
import { keptIndex, readIndex } from './index-tree.ts'
import { manifestFor, originalOf, storeSource } from './portable.ts'
import type { PortableImage } from './portable.ts'
import { formatReference, parseReference, withDefaultTag } from './reference.ts'
import type { ImageStore } from './store.ts'
import type { Lease } from './leases.ts'

/** @see ImageEngine.join */
export async function joinImages(
  store: ImageStore,
  ids: readonly string[],
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ image: string; index: Descriptor }> {
  const images = ids.map((id) => store.find(id))
  const chosen = images.find(({ config }) => platformMatches(config, hostPlatform())) ?? images[0]
  if (!chosen) throw new InvalidParameterError('an index needs an image')
  const index = await store.leased(async (lease) => {
    const manifests: Descriptor[] = []
    for (const image of images) {
      const { manifest } = await manifested(store, image, lease, signal)
      const { architecture, os, variant } = image.config
      const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) }
      manifests.push({ ...manifest.descriptor, platform })
    }
    const content = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }),
    )
    lease.blobs.add(digestOf(content))
    const digest = await store.blobs.write(content)
    const descriptor = { mediaType: OCI_INDEX, digest, size: content.length }
    const kept = keptIndex(await readIndex(storeSource(store), descriptor))
    const references = names.map((name) => formatReference(withDefaultTag(parseReference(name))))
    const roots = references.length > 0 ? references : [chosen.id]
    await store.rename({
      set: new Map(references.map((name) => [name, chosen.id])),
      indexes: new Map(roots.map((name) => [name, kept])),
    })
    return descriptor
  })
  return { image: chosen.id, index }
}

/** The image with a manifest that is here; where it has none it gets the one that a push would make. */
async function manifested(
  store: ImageStore,
  image: Image,
  lease: Lease,
  signal: AbortSignal,
): Promise<PortableImage> {
  lease.blobs.add(image.id)
  if (image.document.manifest) lease.blobs.add(image.document.manifest.digest)
  for (const { blob } of image.document.layers) lease.blobs.add(blob.digest)
  const original = await originalOf(store, image)
  if (original) return original
  const layers: ImageLayer[] = []
  for (const layer of image.document.layers)
    layers.push({
      ...layer,
      blob: await compressLayer(store, layer, lease, () => undefined, signal),
    })
  const config = await store.blobs.read(image.id)
  const blobs = layers.map(({ blob }) => blob)
  const portable = manifestFor(image.id, config.length, blobs)
  await store.addManifest(image.id, layers, portable.manifest, lease)
  return portable
}
