import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { ImageProgress } from '../contract.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { chainIds, digestOf, shortId } from '../oci/digest.ts'
import { parseImageConfig } from '../oci/image-config.ts'
import {
  checked,
  isAttestation,
  MAX_DOCUMENT_BYTES,
  parseJson,
  parseManifest,
} from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { DOCKER_LAYER, isLayer, OCI_INDEX } from '../oci/media-types.ts'
import { choosePlatform, hostPlatform } from '../oci/platform.ts'
import type { ImageLayer } from './image.ts'
import { reportProgress } from './progress.ts'
import type { ProgressSink } from './progress.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from './reference.ts'
import type { Reference } from './reference.ts'
import { Spool } from './spool.ts'
import type { SpooledFile } from './spool.ts'
import type { ImageStore, Lease } from './store.ts'

/**
 * Loads every image of a `docker save` archive or an OCI layout, compressed or not. Images before a broken one stay.
 *
 * @throws INVALID_PARAMETER when it is no such archive or what it holds is broken
 * @see POST /images/load; moby image/spec "Combined Image JSON + Filesystem Changeset Format"; image-spec image-layout.md
 */
export function loadImages(
  store: ImageStore,
  tar: Readable,
  signal?: AbortSignal,
): AsyncIterable<ImageProgress> {
  return reportProgress(async (sink, stop) => {
    const cut = (): void => {
      tar.destroy()
    }
    stop.addEventListener('abort', cut, { once: true })
    try {
      const spool = await Spool.read(tar, store.blobs, store.layers.limits, stop)
      try {
        const images = await findImages(spool)
        for (const image of images) {
          await store.leased((lease) => loadImage(store, spool, image, sink, lease, stop))
        }
      } finally {
        await spool.close()
        await store.collect()
      }
    } catch (error) {
      stop.throwIfAborted()
      throw error
    } finally {
      stop.removeEventListener('abort', cut)
    }
  }, signal)
}

interface ArchivedImage {
  config: Buffer
  /** Bottom first. */
  layers: { file: SpooledFile; descriptor: Descriptor | undefined }[]
  manifest: { descriptor: Descriptor; content: Buffer } | null
  names: Reference[]
}

async function findImages(spool: Spool): Promise<ArchivedImage[]> {
  if (spool.get('manifest.json')) return await dockerImages(spool)
  if (spool.get('index.json')) return await ociImages(spool)
  if (spool.get('repositories')) {
    throw new InvalidParameterError(
      'the archive was saved by a Docker older than 1.10, whose image format is not supported: save it again with a current one',
    )
  }
  throw new InvalidParameterError(
    'invalid archive: neither manifest.json (docker save) nor index.json (OCI layout) is in it; a root file system is imported, not loaded',
  )
}

const dockerManifestSchema = z.array(
  z.object({
    Config: z.string(),
    RepoTags: z.array(z.string()).nullish(),
    Layers: z.array(z.string()).nullish(),
  }),
)

async function dockerImages(spool: Spool): Promise<ArchivedImage[]> {
  const content = await spool.content('manifest.json', MAX_DOCUMENT_BYTES)
  const entries = checked(
    dockerManifestSchema,
    parseJson(content, 'manifest.json'),
    'manifest.json',
  )
  const manifests = await manifestsByConfig(spool)
  return await Promise.all(
    entries.map(async (entry) => {
      const config = await spool.content(entry.Config, MAX_DOCUMENT_BYTES)
      const files = (entry.Layers ?? []).map((name) => member(spool, name))
      const found = manifests.get(digestOf(config))
      const described = found?.manifest.layers ?? []
      const isSame =
        found !== undefined &&
        described.length === files.length &&
        described.every((each, index) => isOf(each, files[index]))
      return {
        config,
        layers: files.map((file, index) => ({
          file,
          descriptor: isSame ? described[index] : undefined,
        })),
        manifest: isSame ? { descriptor: found.descriptor, content: found.content } : null,
        names: (entry.RepoTags ?? []).map((tag) => withDefaultTag(parseReference(tag))),
      }
    }),
  )
}

/** Newer archives are an OCI layout beside: its manifests keep the digests that images have in registries. */
async function manifestsByConfig(
  spool: Spool,
): Promise<Map<string, NonNullable<Awaited<ReturnType<typeof ociManifest>>>>> {
  const found = new Map<string, NonNullable<Awaited<ReturnType<typeof ociManifest>>>>()
  if (!spool.get('index.json')) return found
  const index = parseManifest(await spool.content('index.json', MAX_DOCUMENT_BYTES), OCI_INDEX)
  for (const entry of index.kind === 'index' ? index.manifests : []) {
    // other platforms are named there and need not be in the archive
    const manifest = await ociManifest(spool, entry).catch(() => undefined)
    if (manifest) found.set(manifest.manifest.config.digest, manifest)
  }
  return found
}

async function ociImages(spool: Spool): Promise<ArchivedImage[]> {
  const index = parseManifest(await spool.content('index.json', MAX_DOCUMENT_BYTES), OCI_INDEX)
  if (index.kind !== 'index')
    throw new InvalidParameterError('invalid archive: index.json is not an index')
  const images: ArchivedImage[] = []
  for (const entry of index.manifests) {
    if (isAttestation(entry)) continue
    const found = await ociManifest(spool, entry)
    // an index without this platform, or something that is not an image
    if (found === undefined) continue
    const name = nameOf(entry)
    images.push({
      config: await document(spool, found.manifest.config),
      layers: found.manifest.layers
        .filter(({ mediaType }) => isLayer(mediaType))
        .map((descriptor) => ({ file: blobIn(spool, descriptor), descriptor })),
      manifest: { descriptor: found.descriptor, content: found.content },
      names: name ? [name] : [],
    })
  }
  if (images.length === 0)
    throw new InvalidParameterError('invalid archive: it has no image for this platform')
  return images
}

async function ociManifest(
  spool: Spool,
  descriptor: Descriptor,
  depth = 0,
): Promise<{ manifest: Manifest; descriptor: Descriptor; content: Buffer } | undefined> {
  const content = await document(spool, descriptor)
  const parsed = parseManifest(content, descriptor.mediaType)
  if (parsed.kind === 'index') {
    const entries = parsed.manifests.filter((entry) => !isAttestation(entry))
    const chosen =
      choosePlatform(entries, hostPlatform()) ?? (entries.length === 1 ? entries[0] : undefined)
    return chosen && depth < 4 ? await ociManifest(spool, chosen, depth + 1) : undefined
  }
  if (
    parsed.layers.some(({ mediaType }) => !isLayer(mediaType)) &&
    !parsed.layers.some(({ mediaType }) => isLayer(mediaType))
  ) {
    return undefined
  }
  return {
    manifest: parsed,
    descriptor: { ...descriptor, mediaType: parsed.mediaType, size: content.length },
    content,
  }
}

/** containerd writes the full name, skopeo what stood behind the layout's path: a reference, or only a tag of no name. */
function nameOf({ annotations }: Descriptor): Reference | undefined {
  const full = annotations?.['io.containerd.image.name']
  const name = full ?? annotations?.['org.opencontainers.image.ref.name']
  if (name === undefined || (full === undefined && !/[:/]/.test(name))) return undefined
  return withDefaultTag(parseReference(name))
}

async function loadImage(
  store: ImageStore,
  spool: Spool,
  archived: ArchivedImage,
  sink: ProgressSink,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const { diff_ids: diffIds } = parseImageConfig(archived.config).rootfs
  if (diffIds.length !== archived.layers.length) {
    throw new InvalidParameterError(
      `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${archived.layers.length}`,
    )
  }
  const chains = chainIds(diffIds)
  for (const chainId of chains) lease.layers.add(chainId)

  const layers: ImageLayer[] = []
  let below: Promise<unknown> = Promise.resolve()
  const work: Promise<unknown>[] = []
  for (const [index, { file, descriptor }] of archived.layers.entries()) {
    const chainId = chains[index]
    const diffId = diffIds[index]
    if (chainId === undefined || diffId === undefined) break
    const layer = (async (belowReady: Promise<unknown>) => {
      const known = descriptor === undefined ? store.knownBlob(chainId) : undefined
      const blob = known ??
        descriptor ?? { mediaType: DOCKER_LAYER, digest: file.digest, size: file.size }
      lease.blobs.add(blob.digest)
      if (!known) await spool.keep(file)
      const source = {
        chainId,
        diffId,
        below: chains.slice(0, index).reverse(),
        belowReady,
        blob: known ? file.path : store.blobs.pathOf(blob.digest),
        isKnown: file.digest === diffId || store.isArchiveOf(file.digest, diffId),
      }
      const onRead = (bytes: number): void =>
        sink.count(shortId(diffId), 'Loading layer', bytes, blob.size)
      const { sizeBytes } = await store.layers.add(source, onRead, signal)
      sink.count(shortId(diffId), 'Loading layer', blob.size, blob.size)
      layers[index] = { chainId, diffId: source.diffId as ImageLayer['diffId'], sizeBytes, blob }
    })(below)
    below = layer
    work.push(layer)
  }
  await settleAll(work)
  const image = await store.add(archived.config, layers, archived.manifest, lease)

  const names = new Map(archived.names.map((name) => [formatReference(name), image.id]))
  if (names.size > 0) await store.rename({ set: names })
  store.events.emit('image', 'load', image.id, { ...image.config.config.Labels, name: image.id })
  for (const name of archived.names)
    sink.emit({ stream: `Loaded image: ${familiarReference(name)}\n` })
  if (names.size === 0) sink.emit({ stream: `Loaded image ID: ${image.id}\n` })
}

/** Waits for all to end, then throws the first failure: nothing goes on behind the caller's back. */
export async function settleAll(work: Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

function member(spool: Spool, name: string): SpooledFile {
  const file = spool.get(name)
  if (!file) throw new InvalidParameterError(`invalid archive: ${name} is missing`)
  return file
}

/** A blob of the archive's OCI layout. @throws INVALID_PARAMETER when it is missing, or another than its descriptor says */
function blobIn(spool: Spool, descriptor: Descriptor): SpooledFile {
  const file = member(spool, blobName(descriptor))
  if (isOf(descriptor, file)) return file
  throw new InvalidParameterError(
    file.digest === descriptor.digest
      ? `invalid archive: ${descriptor.digest} has ${file.size} bytes, ${descriptor.size} are told`
      : `invalid archive: ${descriptor.digest} has other content`,
  )
}

async function document(spool: Spool, descriptor: Descriptor): Promise<Buffer> {
  blobIn(spool, descriptor)
  return await spool.content(blobName(descriptor), MAX_DOCUMENT_BYTES)
}

function isOf({ digest, size }: Descriptor, file: SpooledFile | undefined): boolean {
  return file?.digest === digest && file.size === size
}

function blobName({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`
}
