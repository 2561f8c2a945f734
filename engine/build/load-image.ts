import { InvalidParameterError } from '../errors.ts'
import type { Image, ImageLayer } from '../images/image.ts'
import type { ImageStore } from '../images/store.ts'
import type { Lease } from '../images/leases.ts'
import { chainIds } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import { isLayer } from '../oci/media-types.ts'
import type { Platform } from '../oci/platform.ts'
import { bringBlob, imageManifest, readDocumentBlob } from './blob-source.ts'
import type { BlobSource } from './blob-source.ts'

/**
 * Takes an image in out of content that somebody else keeps; it has no name.
 *
 * @param digest of its manifest, or of an index
 * @throws INVALID_PARAMETER when it is none
 */
export async function loadImage(
  store: ImageStore,
  source: BlobSource,
  digest: string,
  platform: Platform,
  lease: Lease,
  signal: AbortSignal,
): Promise<Image> {
  const root = await readDocumentBlob(source, digest, signal)
  const { content, descriptor, manifest } = await imageManifest(root, '', source, platform, signal)
  const config = await readDocumentBlob(source, manifest.config.digest, signal)
  const { diff_ids: diffIds } = parseImageConfig(config).rootfs
  const isImage = manifest.layers.every(({ mediaType }) => isLayer(mediaType))
  if (!isImage || diffIds.length !== manifest.layers.length)
    throw new InvalidParameterError(`${digest} is not a container image`)
  const chains = chainIds(diffIds)
  const layers: ImageLayer[] = []
  for (const [index, blob] of manifest.layers.entries()) {
    const [chainId, diffId] = [chains[index], diffIds[index]]
    if (chainId === undefined || diffId === undefined) break
    lease.layers.add(chainId)
    await bringBlob(store, source, blob, lease, signal)
    const { sizeBytes } = await store.layers.add(
      {
        chainId,
        diffId,
        below: chains.slice(0, index).reverse(),
        belowReady: Promise.resolve(),
        blob: store.blobs.pathOf(blob.digest),
      },
      () => undefined,
      signal,
    )
    layers.push({ chainId, diffId: diffId as ImageLayer['diffId'], sizeBytes, blob })
  }
  return await store.add(config, layers, { descriptor, content }, lease)
}
