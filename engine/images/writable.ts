import { NotFoundError } from '../errors.ts'
import type { Layer } from '../store/layers.ts'
import type { Image } from './image.ts'
import type { ImageStore } from './store.ts'

/**
 * Makes a container's writable layer on an image.
 *
 * @param mountedIds images that are to be mounted in the container
 * @throws NOT_FOUND without such an image, SYSTEM when one of its layers has gone from the disk
 */
export async function makeWritable(
  store: ImageStore,
  containerId: string,
  imageId: string,
  mountedIds: readonly string[] = [],
): Promise<void> {
  const layers = layersOf(store.find(imageId))
  const mounted = mountedIds.map((id) => ({ imageId: id, layers: mountedLayers(store, id) }))
  await store.leased(async (lease) => {
    for (const image of [{ imageId, layers }, ...mounted]) {
      lease.blobs.add(image.imageId)
      for (const { chainId } of image.layers) lease.layers.add(chainId)
    }
    await store.snapshots.create(containerId, imageId, layers, { mounted })
  })
}

/** Returns once it is out of use; the files go in the background. Fine when there is none. */
export async function removeWritable(store: ImageStore, containerId: string): Promise<void> {
  const images = store.snapshots.remove(containerId)
  // one was removed by force while the container needed its layers
  if (images.some((imageId) => !store.get(imageId))) await store.collect()
}

/** Whoever takes over another's mounts finds an image there that may have been removed by force since. */
function mountedLayers(store: ImageStore, imageId: string): Layer[] {
  const image = store.get(imageId)
  const layers = image ? layersOf(image) : store.snapshots.mountedLayers(imageId)
  if (!layers) throw new NotFoundError(`No such image: ${imageId}`)
  return layers
}

function layersOf({ document }: Image): Layer[] {
  return document.layers.map(({ chainId, diffId, sizeBytes }) => ({ chainId, diffId, sizeBytes }))
}
