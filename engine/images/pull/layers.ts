import { setMaxListeners } from 'node:events'
import type { Descriptor } from '../../oci/descriptor.ts'
import { chainIds, shortId, type Sha256 } from '../../oci/digest.ts'
import type { RegistryClient } from '../../registry/client.ts'
import { settleAll } from '../../settle-all.ts'
import type { ImageLayer } from '../image.ts'
import type { Lease } from '../leases.ts'
import type { ProgressSink } from '../progress.ts'
import { Slots } from '../slots.ts'
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
  for (const chainId of chains) lease.layers.add(chainId)
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
  const layers: ImageLayer[] = []
  const work: Promise<unknown>[] = []
  let below: Promise<unknown> = Promise.resolve()
  for (const [index, blob] of blobs.entries()) {
    const chainId = chains[index]
    const diffId = diffIds[index] as Sha256 | undefined
    if (chainId === undefined || diffId === undefined) break
    const layer = (async (belowReady: Promise<unknown>) => {
      const known = store.layers.get(chainId)
      const knownBlob = known && store.knownBlob(chainId)
      if (known && knownBlob) {
        lease.blobs.add(knownBlob.digest)
        layers[index] = { chainId, diffId, sizeBytes: known.sizeBytes, blob: knownBlob }
        return
      }
      const id = shortId(blob.digest)
      if (!slots.isFree) sink.emit({ status: 'Waiting', progressDetail: {}, id })
      await slots.run(() => downloadBlob(store, clients, blob, sink, signal))
      sink.emit({ status: 'Download complete', progressDetail: {}, id })
      const source = {
        chainId,
        diffId,
        below: chains.slice(0, index).reverse(),
        belowReady,
        blob: store.blobs.pathOf(blob.digest),
        isKnown: store.isArchiveOf(blob.digest, diffId),
      }
      const onRead = (bytes: number): void => sink.count(id, 'Extracting', bytes, blob.size)
      const { sizeBytes } = await store.layers.add(source, onRead, signal)
      sink.count(id, 'Extracting', blob.size, blob.size)
      sink.emit({ status: 'Pull complete', progressDetail: {}, id })
      layers[index] = { chainId, diffId, sizeBytes, blob }
    })(below)
    layer.catch((error: unknown) => stop.abort(error))
    below = layer
    work.push(layer)
  }
  await settleAll(work)
  return layers
}
