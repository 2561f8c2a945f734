import type { Descriptor } from '../oci/descriptor.ts'
import { DOCKER_LAYER, DOCKER_LAYER_GZIP } from '../oci/media-types.ts'
import { gzipFile } from '../store/gzip.ts'
import type { ImageLayer } from './image.ts'
import { layerType } from './layer-type.ts'
import type { ImageStore } from './store.ts'
import type { Lease } from './leases.ts'

/**
 * A layer's archive as it is sent to others: compressed, once, whoever asks for it.
 *
 * @param onRead told the bytes of the archive read so far
 */
export async function compressLayer(
  store: ImageStore,
  { blob, diffId }: Pick<ImageLayer, 'blob' | 'diffId'>,
  lease: Lease,
  onRead: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Descriptor> {
  if (!isPlain(blob)) return blob
  const known = store.blobOf(diffId, (candidate) => !isPlain(candidate))
  if (known) {
    lease.blobs.add(known.digest)
    return known
  }
  return await store.compressions.run(
    blob.digest,
    async (workSignal, report) => {
      const source = store.blobs.pathOf(blob.digest)
      // archives of old tools hold compressed layers that nothing says are
      const mediaType = await layerType(source)
      if (mediaType !== DOCKER_LAYER) {
        report({ read: blob.size, made: blob.digest })
        return { ...blob, mediaType }
      }
      const target = store.blobs.temporary()
      try {
        const { digest, size } = await gzipFile(
          source,
          target,
          (read) => report({ read }),
          workSignal,
        )
        report({ read: blob.size, made: digest })
        if (!store.blobs.has(digest)) await store.blobs.adopt(target, digest)
        return { mediaType: DOCKER_LAYER_GZIP, digest, size } as Descriptor
      } finally {
        await store.blobs.discard(target)
      }
    },
    ({ read, made }) => {
      // who began it may have gone, and its lease with it
      if (made !== undefined) lease.blobs.add(made)
      onRead(read)
    },
    signal,
  )
}

function isPlain({ mediaType }: Descriptor): boolean {
  return !/[.+](gzip|zstd)$/.test(mediaType)
}
