import type { Readable } from 'node:stream'
import type { ImageProgress, ImportOptions } from '../contract.ts'
import { InvalidParameterError } from '../errors.ts'
import { hostPlatform, parsePlatform } from '../oci/platform.ts'
import { applyChanges } from './changes.ts'
import { layerType } from './layer-type.ts'
import { reportProgress } from './progress.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from './reference.ts'
import { spoolStream } from './spool.ts'
import type { SpooledFile } from './spool.ts'
import type { ImageStore } from './store.ts'

/**
 * Makes a one-layer image of a root file system's archive.
 *
 * @throws INVALID_PARAMETER when the archive, a change, the name or the platform is at fault
 * @see POST /images/create with `fromSrc`
 */
export function importImage(
  store: ImageStore,
  tar: Readable,
  options: ImportOptions,
  signal?: AbortSignal,
): AsyncIterable<ImageProgress> {
  return reportProgress(async (sink, stop) => {
    // all that can be refused is, before anything is read
    const reference = options.reference
      ? withDefaultTag(parseReference(options.reference))
      : undefined
    if (reference?.digest !== undefined)
      throw new InvalidParameterError('cannot import digest reference')
    const config = applyChanges({}, options.changes ?? [])
    const platform = options.platform ? parsePlatform(options.platform) : hostPlatform()
    if (platform.os !== 'linux')
      throw new InvalidParameterError(`operating system "${platform.os}" is not supported`)

    const cut = (): void => {
      tar.destroy()
    }
    stop.addEventListener('abort', cut, { once: true })
    let spooled: SpooledFile | undefined
    try {
      spooled = await spoolStream(tar, store.blobs, () => undefined, stop)
      if (spooled.size === 0) throw new InvalidParameterError('the archive to import is empty')
      const file = spooled
      await store.leased(async (lease) => {
        lease.blobs.add(file.digest)
        const mediaType = await layerType(file.path)
        const layer = await store.layers.addBase(
          file.path,
          () => undefined,
          stop,
          (chainId) => lease.layers.add(chainId),
        )
        if (!store.blobs.has(file.digest)) await store.blobs.adopt(file.path, file.digest)
        const now = new Date().toISOString()
        const document = {
          created: now,
          architecture: platform.architecture,
          ...(platform.variant === undefined ? {} : { variant: platform.variant }),
          os: platform.os,
          config,
          rootfs: { type: 'layers', diff_ids: [layer.diffId] },
          history: [{ created: now, comment: options.message || 'Imported from -' }],
        }
        const blob = { mediaType, digest: file.digest, size: file.size }
        const layers = [{ ...layer, blob }] as Parameters<ImageStore['add']>[1]
        const image = await store.add(Buffer.from(JSON.stringify(document)), layers, null, lease)
        if (reference)
          await store.rename({ set: new Map([[formatReference(reference), image.id]]) })
        store.events.emit('image', 'import', image.id, {
          ...config.Labels,
          name: reference ? familiarReference(reference) : image.id,
        })
        sink.emit({ status: image.id })
      })
    } catch (error) {
      stop.throwIfAborted()
      throw error
    } finally {
      stop.removeEventListener('abort', cut)
      if (spooled) await store.blobs.discard(spooled.path)
      await store.collect()
    }
  }, signal)
}
