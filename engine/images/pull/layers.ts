import { setMaxListeners } from 'node:events'
import type { Descriptor } from '../../oci/descriptor.ts'
import { chainIds, shortId } from '../../oci/digest.ts'
import type { RegistryClient } from '../../registry/client.ts'
import type { ImageLayer } from '../image.ts'
import type { Lease } from '../leases.ts'
import type { ProgressSink } from '../progress.ts'
import { Slots } from '../slots.ts'
import { layerHere, stackLayers } from '../stack-layers.ts'
import type { ImageStore } from '../store.ts'
import { downloadBlob } from './download.ts'

/** Layers of one pull that are downloaded at the same time. */
const MAX_DOWNLOADS = 3

/**
 * Downloads and unpacks the layers that are not here, some at the same time and each as soon as those below it are there.
 *
 * @param blobs the layers of the manifest, lowest first
 * @param diffIds theirs
 * @param lease keeps them all
 */
export async function fetchLayers(
  store: ImageStore,
  clients: readonly RegistryClient[],
  blobs: readonly Descriptor[],
  diffIds: readonly string[],
  lease: Lease,
  sink: ProgressSink,
  stopped: AbortSignal,
): Promise<ImageLayer[]> {
  const chains = chainIds(diffIds)
  for (const { digest } of blobs) lease.blobs.add(digest)

  const missing = blobs.map((_, index) => !store.layers.get(chains[index] ?? ''))
  for (const [index, { digest }] of blobs.entries()) {
    const status = missing[index] ? 'Pulling fs layer' : 'Already exists'
    sink.emit({ status, progressDetail: {}, id: shortId(digest) })
  }
  const slots = new Slots(MAX_DOWNLOADS)
  // one that failed stops the others
  const stop = new AbortController()
  const signal = AbortSignal.any([stopped, stop.signal])
  setMaxListeners(0, signal)
  return await stackLayers(blobs, diffIds, lease, async (blob, place) => {
    try {
      const here = layerHere(store, lease, place)
      if (here) return here
      const id = shortId(blob.digest)
      if (!slots.isFree) sink.emit({ status: 'Waiting', progressDetail: {}, id })
      await slots.run(() => downloadBlob(store, clients, blob, sink, signal))
      sink.emit({ status: 'Download complete', progressDetail: {}, id })
      const source = {
        ...place,
        blob: store.blobs.pathOf(blob.digest),
        isKnown: store.isArchiveOf(blob.digest, place.diffId),
      }
      const onRead = (bytes: number): void => sink.count(id, 'Extracting', bytes, blob.size)
      const { sizeBytes } = await store.layers.add(source, onRead, signal)
      sink.count(id, 'Extracting', blob.size, blob.size)
      sink.emit({ status: 'Pull complete', progressDetail: {}, id })
      return { chainId: place.chainId, diffId: place.diffId, sizeBytes, blob }
    } catch (error) {
      stop.abort(error)
      throw error
    }
  })
}
