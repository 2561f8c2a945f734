import type { Descriptor } from '../oci/descriptor.ts'
import type { ImageManifestSummary, OCIDescriptor } from '../types/docker.ts'
import { platformOf } from './distribution.ts'
import type { Image } from './image.ts'
import { isImage } from './index-tree.ts'
import type { IndexEntry } from './index-tree.ts'
import { indexTree, portableImage, storeSource } from './portable.ts'
import type { Reference } from './reference.ts'
import type { ImageStore } from './store.ts'

/**
 * The manifests of the index that a name of an image stands for, with what is here of each; without one the image's own.
 *
 * @param name undefined for all names of the image
 * @see ImageManifestSummary, Docker Engine API 1.48
 */
export async function manifestSummaries(
  store: ImageStore,
  name: Reference | undefined,
  image: Image,
): Promise<ImageManifestSummary[]> {
  const tree = await indexTree(store, name, image)
  if (tree) return tree.entries.map((entry) => summaryOf(store, entry))
  const { config, layers, manifest } = await portableImage(store, image)
  const { architecture, os, variant } = image.config
  const descriptor = { ...manifest.descriptor, platform: { architecture, os, variant } }
  return [imageSummary(store, descriptor, [config, ...layers], manifest.content.length, image)]
}

/** As it is told by the API. */
export function toldDescriptor(descriptor: Descriptor): OCIDescriptor {
  const { annotations, artifactType, digest, mediaType, platform, size } = descriptor
  return {
    mediaType,
    digest,
    size,
    ...(annotations ? { annotations } : {}),
    ...(platform ? { platform: platformOf(platform) } : {}),
    ...(artifactType ? { artifactType } : {}),
  }
}

function summaryOf(store: ImageStore, entry: IndexEntry): ImageManifestSummary {
  const { blobs, content, descriptor, manifest } = entry
  // what is not here is told apart by its descriptor alone
  if (isImage(entry) || (!content && !entry.isAttestation && descriptor.platform)) {
    const image = manifest && store.get(manifest.config.digest)
    return imageSummary(store, descriptor, blobs, content?.length ?? 0, image, entry.isWhole)
  }
  const size = sizeHere(store, blobs, content?.length ?? 0)
  const described = {
    ID: descriptor.digest,
    Descriptor: toldDescriptor(descriptor),
    Available: entry.isWhole,
    Size: { Total: size, Content: size },
  }
  const subject = descriptor.annotations?.['vnd.docker.reference.digest']
  if (!entry.isAttestation) return { ...described, Kind: 'unknown' }
  return { ...described, Kind: 'attestation', AttestationData: { For: subject ?? '' } }
}

function imageSummary(
  store: ImageStore,
  descriptor: Descriptor,
  blobs: Descriptor[],
  documentBytes: number,
  image: Image | undefined,
  isWhole = true,
): ImageManifestSummary {
  const content = sizeHere(store, blobs, documentBytes)
  const unpacked = image?.size ?? 0
  return {
    ID: descriptor.digest,
    Descriptor: toldDescriptor(descriptor),
    Available: isWhole,
    Size: { Total: content + unpacked, Content: content },
    Kind: 'image',
    ImageData: {
      Platform: platformOf(descriptor.platform ?? {}),
      Containers: image ? store.users.of(image.id).map(({ id }) => id) : [],
      Size: { Unpacked: unpacked },
    },
  }
}

/** Bytes of what is in the store. */
function sizeHere(store: ImageStore, blobs: Descriptor[], documentBytes: number): number {
  const source = storeSource(store)
  return blobs.reduce((sum, blob) => sum + (source.has(blob) ? blob.size : 0), documentBytes)
}
