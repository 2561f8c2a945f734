import { chainIds, type Sha256 } from '../oci/digest.ts'
import { settleAll } from '../settle-all.ts'
import type { LayerSource } from '../store/layers.ts'
import type { ImageLayer } from './image.ts'
import type { Lease } from './leases.ts'
import type { ImageStore } from './store.ts'

/** Where a layer belongs. */
export type LayerPlace = Pick<LayerSource, 'below' | 'belowReady'> &
  Pick<ImageLayer, 'chainId' | 'diffId'>

/**
 * Has the layers of an image brought here at the same time; each hears when those below it are there.
 *
 * @param parts what there is of each layer, lowest first
 * @param diffIds theirs
 * @param lease keeps them all
 * @throws what the first one that failed threw, once all have ended
 */
export async function stackLayers<T>(
  parts: readonly T[],
  diffIds: readonly string[],
  lease: Lease,
  bring: (part: T, place: LayerPlace) => Promise<ImageLayer>,
): Promise<ImageLayer[]> {
  const chains = chainIds(diffIds)
  for (const chainId of chains) lease.layers.add(chainId)
  const layers: ImageLayer[] = []
  const work: Promise<unknown>[] = []
  let belowReady: Promise<unknown> = Promise.resolve()
  for (const [index, part] of parts.entries()) {
    const chainId = chains[index]
    const diffId = diffIds[index] as Sha256 | undefined
    if (chainId === undefined || diffId === undefined) break
    const below = chains.slice(0, index).reverse()
    belowReady = bring(part, { chainId, diffId, below, belowReady }).then((layer) => {
      layers[index] = layer
    })
    work.push(belowReady)
  }
  await settleAll(work)
  return layers
}

/** The layer as it is here already, with the blob that is known to hold it; undefined when there is none. */
export function layerHere(
  store: ImageStore,
  lease: Lease,
  { chainId, diffId }: LayerPlace,
): ImageLayer | undefined {
  const known = store.layers.get(chainId)
  const blob = known && store.knownBlob(chainId)
  if (!known || !blob) return undefined
  lease.blobs.add(blob.digest)
  return { chainId, diffId, sizeBytes: known.sizeBytes, blob }
}
