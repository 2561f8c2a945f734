import { shortId } from '../oci/digest.ts'
import type { BlobStore } from '../store/blobs.ts'
import type { LayerStore } from '../store/layers.ts'
import type { ImageDocument } from './image.ts'

/**
 * What of an image has gone from the disk, in words for the operator; undefined when it is whole.
 *
 * @param names of the image, to be pulled again by
 */
export function damageOf(
  { id, layers: named, manifest }: ImageDocument,
  names: string[],
  { blobs, layers }: { blobs: BlobStore; layers: LayerStore },
): string | undefined {
  const lacking = named.filter(({ chainId }) => !layers.get(chainId)).length
  const lost = named.filter(({ blob }) => !blobs.has(blob.digest)).length
  const what = [
    ...(lacking > 0 ? [`${lacking} of ${named.length} layers, so it cannot be started`] : []),
    ...(lost > 0 || (manifest && !blobs.has(manifest.digest))
      ? [
          `${lost || 'the'} ${lost > 1 ? 'blobs' : lost === 1 ? 'blob' : 'manifest'}, so it cannot be pushed or saved`,
        ]
      : []),
  ]
  if (what.length === 0) return undefined
  const [name] = names
  return `image ${name ?? shortId(id)} lacks ${what.join(', and ')}: pull or load it again`
}
