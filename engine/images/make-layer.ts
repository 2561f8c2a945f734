import { chainIds } from '../oci/digest.ts'
import { DOCKER_LAYER } from '../oci/media-types.ts'
import type { Packed } from '../store/write-layer.ts'
import type { ImageLayer } from './image.ts'
import type { ImageStore } from './store.ts'
import type { Lease } from './leases.ts'

/**
 * Takes in a layer that is made here, on top of others.
 *
 * @param below bottom first
 * @param make writes the archive to a file and the tree to an empty directory
 * @returns undefined when nothing was written
 */
export async function makeLayer(
  store: ImageStore,
  below: readonly ImageLayer[],
  lease: Lease,
  make: (blob: string, directory: string) => Promise<Packed>,
): Promise<ImageLayer | undefined> {
  const blob = store.blobs.temporary()
  let packed: Packed | undefined
  try {
    const layer = await store.layers.addMade(
      below.map(({ chainId }) => chainId).reverse(),
      async (directory) => {
        packed = await make(blob, directory)
        if (packed.entries === 0) return undefined
        const { diffId, implicitDirectories, sizeBytes } = packed
        lease.blobs.add(diffId)
        const chainId = chainIds([...below.map((each) => each.diffId), diffId]).at(-1) ?? diffId
        lease.layers.add(chainId)
        return { layer: { chainId, diffId, sizeBytes }, implicitDirectories }
      },
    )
    if (!layer || !packed) return undefined
    if (!store.blobs.has(layer.diffId)) await store.blobs.adopt(blob, layer.diffId)
    const descriptor = { mediaType: DOCKER_LAYER, digest: layer.diffId, size: packed.archiveBytes }
    // its digests were made here
    return { ...layer, blob: descriptor } as ImageLayer
  } finally {
    await store.blobs.discard(blob)
  }
}
