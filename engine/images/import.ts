import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { ImportOptions, ImportSource } from '../contract/images.ts'
import type { ImageProgress } from '../contract/common.ts'
import { InvalidParameterError } from '../errors.ts'
import { hostPlatform, parsePlatform } from '../oci/platform.ts'
import type { Proxies } from '../registry/access.ts'
import { request } from '../registry/http.ts'
import { withoutSecrets } from '../registry/without-secrets.ts'
import { programFor } from '../store/decompress.ts'
import { decompressWithin } from '../store/decompress-within.ts'
import { TAR_END } from '../tar/write.ts'
import { applyChanges } from './changes.ts'
import { firstBytes, layerType } from './layer-type.ts'
import { reportProgress } from './progress.ts'
import type { ProgressSink } from './progress.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from './reference.ts'
import { spoolStream } from './spool.ts'
import type { SpooledFile } from './spool.ts'
import type { ImageStore } from './store.ts'

/**
 * Makes a one-layer image of a root file system's archive, which is sent or fetched. What is compressed with gzip or zstd
 * stays the layer's archive, what needs a program of the host (xz, bzip2) is kept unpacked.
 *
 * @throws INVALID_PARAMETER when the archive, its address, a change, the name or the platform is at fault
 * @see POST /images/create with `fromSrc`
 */
export function importImage(
  store: ImageStore,
  proxies: Proxies,
  source: ImportSource,
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
      throw new InvalidParameterError('operating system is not supported')

    const tar = source instanceof Readable ? source : undefined
    const address = source instanceof Readable ? undefined : addressOf(source.url)
    const cut = (): void => {
      tar?.destroy()
    }
    stop.addEventListener('abort', cut, { once: true })
    let spooled: SpooledFile | undefined
    try {
      const sent = tar ?? fetchArchive(address, proxies, sink, stop)
      spooled = await spoolStream(sent, store.blobs, store.layers.limits, stop)
      // as Docker has it, no bytes at all are an archive without members; a layer keeps at least its end
      if (spooled.size === 0) {
        await store.blobs.discard(spooled.path)
        spooled = await spoolStream(
          Readable.from([TAR_END]),
          store.blobs,
          store.layers.limits,
          stop,
        )
      }
      spooled = await withoutPrograms(store, spooled, stop)
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
          history: [
            {
              created: now,
              comment:
                options.message || `Imported from ${address ? withoutSecrets(address.href) : '-'}`,
            },
          ],
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

/** As Docker has it, an address without a scheme is one by http. */
function addressOf(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new InvalidParameterError(
    `cannot import from ${withoutSecrets(full)}: it is no address by http or https`,
  )
}

async function* fetchArchive(
  url: URL | undefined,
  proxies: Proxies,
  sink: ProgressSink,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (!url) return
  const told = withoutSecrets(url.href)
  sink.emit({ status: `Downloading from ${told}` })
  const answer = await request(url, { signal, access: { insecure: false, proxies } })
  try {
    const { statusCode = 0 } = answer
    if (statusCode !== 200)
      throw new InvalidParameterError(`cannot import from ${told}: it answers ${statusCode}`)
    const total = Number(answer.headers['content-length'] ?? 0)
    let received = 0
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      received += chunk.length
      sink.count('', 'Importing', received, total)
      yield chunk
    }
  } finally {
    answer.destroy()
  }
}

/** The same archive in a form that layers are kept in. */
async function withoutPrograms(
  store: ImageStore,
  file: SpooledFile,
  signal: AbortSignal,
): Promise<SpooledFile> {
  if (programFor(await firstBytes(file.path)) === undefined) return file
  try {
    const source = createReadStream(file.path, { highWaterMark: 1 << 20 })
    const { limits } = store.layers
    const content = decompressWithin(source, limits, { byPrograms: true })
    return await spoolStream(content, store.blobs, limits, signal)
  } finally {
    await store.blobs.discard(file.path)
  }
}
