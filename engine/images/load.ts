import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { LoadOptions } from '../contract/images.ts'
import type { ImageProgress } from '../contract/common.ts'
import { InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { hasDigest, shortId } from '../oci/digest.ts'
import { checkLinux, parseImageConfig } from '../oci/image-config.ts'
import {
  checked,
  isAttestation,
  MAX_DOCUMENT_BYTES,
  parseJson,
  parseManifest,
} from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { DOCKER_LAYER, isLayer, OCI_INDEX } from '../oci/media-types.ts'
import { formatPlatform, parsePlatform, platformMatches } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import { entryAt, keptIndex, presentImage, readIndex } from './index-tree.ts'
import type { ContentSource, IndexTree } from './index-tree.ts'
import type { ImageIndex } from './names-document.ts'
import { reportProgress } from './progress.ts'
import type { ProgressSink } from './progress.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from './reference.ts'
import type { Reference } from './reference.ts'
import { Spool } from './spool.ts'
import type { SpooledFile } from './spool.ts'
import { stackLayers } from './stack-layers.ts'
import type { ImageStore } from './store.ts'
import type { Lease } from './leases.ts'

/**
 * Loads every image of a `docker save` archive or an OCI layout, compressed or not. Images before a broken one stay.
 *
 * @throws INVALID_PARAMETER when it is no such archive or what it holds is broken, NOT_FOUND when nothing in it is for the
 *   platform asked for
 * @see POST /images/load; moby image/spec "Combined Image JSON + Filesystem Changeset Format"; image-spec image-layout.md
 */
export function loadImages(
  store: ImageStore,
  tar: Readable,
  options: LoadOptions = {},
  signal?: AbortSignal,
): AsyncIterable<ImageProgress> {
  return reportProgress(async (sink, stop) => {
    const platform = options.platform ? parsePlatform(options.platform) : undefined
    const cut = (): void => {
      tar.destroy()
    }
    stop.addEventListener('abort', cut, { once: true })
    try {
      const spool = await Spool.read(tar, store.blobs, store.layers.limits, stop)
      try {
        const images = await findImages(spool, platform)
        if (images.length === 0) throw nothingFor(platform)
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

function nothingFor(platform: Platform | undefined): Error {
  return platform
    ? new NotFoundError(
        `requested platform (${formatPlatform(platform)}) not found: the archive has no image for it`,
      )
    : new InvalidParameterError('invalid archive: it has no image for this platform')
}

interface ArchivedImage {
  config: Buffer
  /** Bottom first. */
  layers: { file: SpooledFile; descriptor: Descriptor | undefined }[]
  manifest: { descriptor: Descriptor; content: Buffer } | null
  /** Each with the index that it stands for in the archive; the one of '' is for an image without a name. */
  names: Reference[]
  indexes: Map<string, IndexTree>
}

async function findImages(spool: Spool, platform: Platform | undefined): Promise<ArchivedImage[]> {
  const hasLayout = spool.get('index.json') !== undefined
  // Docker's own list has one image of an index, for the host that saved it
  const chosen = platform && hasLayout ? await ociImages(spool, platform) : []
  if (chosen.length > 0) return chosen
  if (spool.get('manifest.json')) return await dockerImages(spool, platform)
  if (hasLayout) return await ociImages(spool, platform)
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

async function dockerImages(
  spool: Spool,
  platform: Platform | undefined,
): Promise<ArchivedImage[]> {
  const content = await spool.content('manifest.json', MAX_DOCUMENT_BYTES)
  const entries = checked(
    dockerManifestSchema,
    parseJson(content, 'manifest.json'),
    'manifest.json',
  )
  // newer archives are an OCI layout beside: its manifests keep the digests that images have in registries
  const described = spool.get('index.json') ? await layoutEntries(spool, platform) : []
  const images: ArchivedImage[] = []
  for (const entry of entries) {
    const config = await spool.content(entry.Config, MAX_DOCUMENT_BYTES)
    if (platform && !platformMatches(parseImageConfig(config), platform)) continue
    const files = (entry.Layers ?? []).map((name) => member(spool, name))
    const ours = described.filter(
      ({ manifest }) =>
        hasDigest(config, manifest.config.digest) &&
        manifest.layers.length === files.length &&
        manifest.layers.every((each, index) => isOf(each, files[index])),
    )
    const [found] = ours
    images.push({
      config,
      layers: files.map((file, index) => ({ file, descriptor: found?.manifest.layers[index] })),
      manifest: found ? { descriptor: found.descriptor, content: found.content } : null,
      names: (entry.RepoTags ?? []).map((tag) => withDefaultTag(parseReference(tag))),
      indexes: indexesOf(ours),
    })
  }
  return images
}

async function ociImages(spool: Spool, platform: Platform | undefined): Promise<ArchivedImage[]> {
  const images: ArchivedImage[] = []
  for (const entry of await layoutEntries(spool, platform)) {
    const { content, descriptor, manifest, name } = entry
    const config = await document(spool, manifest.config)
    if (platform && !platformMatches(parseImageConfig(config), platform)) continue
    images.push({
      config,
      layers: manifest.layers
        .filter(({ mediaType }) => isLayer(mediaType))
        .map((layer) => ({ file: blobIn(spool, layer), descriptor: layer })),
      manifest: { descriptor, content },
      names: name ? [name] : [],
      indexes: indexesOf([entry]),
    })
  }
  return images
}

/** A manifest that the archive's index.json leads to. */
interface LayoutEntry {
  manifest: Manifest
  descriptor: Descriptor
  content: Buffer
  name: Reference | undefined
  tree: IndexTree | undefined
}

/** What could be an image: of an index that for the platform, if that is there. */
async function layoutEntries(spool: Spool, platform: Platform | undefined): Promise<LayoutEntry[]> {
  const content = await spool.content('index.json', MAX_DOCUMENT_BYTES)
  const index = parseManifest(content, OCI_INDEX)
  if (index.kind !== 'index')
    throw new InvalidParameterError('invalid archive: index.json is not an index')
  const source: ContentSource = {
    has: (descriptor) => spool.get(blobName(descriptor)) !== undefined,
    document: (descriptor) => document(spool, descriptor),
  }
  const found: LayoutEntry[] = []
  for (const entry of index.manifests) {
    // beside Docker's own list it may tell of what is not in the archive
    if (isAttestation(entry) || (!source.has(entry) && spool.get('manifest.json'))) continue
    const parsed = parseManifest(await document(spool, entry), entry.mediaType)
    const tree = parsed.kind === 'index' ? await readIndex(source, entry) : undefined
    const chosen = tree ? presentImage(tree, platform) : await entryAt(source, entry)
    if (!chosen?.manifest || !chosen.content || !isContainerImage(chosen.manifest)) continue
    const { content: bytes, descriptor, manifest } = chosen
    found.push({
      manifest,
      descriptor: { ...descriptor, mediaType: manifest.mediaType },
      content: bytes,
      name: nameOf(entry),
      tree,
    })
  }
  return found
}

function indexesOf(entries: LayoutEntry[]): ArchivedImage['indexes'] {
  return new Map(
    entries.flatMap(({ name, tree }) =>
      tree ? [[name ? formatReference(name) : '', tree] as const] : [],
    ),
  )
}

/** Of other things, in which nothing is a layer of files, nothing could be run. */
function isContainerImage({ layers }: Manifest): boolean {
  return layers.length === 0 || layers.some(({ mediaType }) => isLayer(mediaType))
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
  const config = parseImageConfig(archived.config)
  checkLinux(config)
  const { diff_ids: diffIds } = config.rootfs
  if (diffIds.length !== archived.layers.length) {
    throw new InvalidParameterError(
      `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${archived.layers.length}`,
    )
  }
  const layers = await stackLayers(
    archived.layers,
    diffIds,
    lease,
    async ({ file, descriptor }, place) => {
      const { chainId, diffId } = place
      const known = descriptor === undefined ? store.knownBlob(chainId) : undefined
      const blob = known ??
        descriptor ?? { mediaType: DOCKER_LAYER, digest: file.digest, size: file.size }
      lease.blobs.add(blob.digest)
      if (!known) await spool.keep(file)
      const source = {
        ...place,
        blob: known ? file.path : store.blobs.pathOf(blob.digest),
        isKnown: file.digest === diffId || store.isArchiveOf(file.digest, diffId),
      }
      const onRead = (bytes: number): void =>
        sink.count(shortId(diffId), 'Loading layer', bytes, blob.size)
      const { sizeBytes } = await store.layers.add(source, onRead, signal)
      sink.count(shortId(diffId), 'Loading layer', blob.size, blob.size)
      return { chainId, diffId, sizeBytes, blob }
    },
  )
  const image = await store.add(archived.config, layers, archived.manifest, lease)

  const names = new Map(archived.names.map((name) => [formatReference(name), image.id]))
  const indexes = new Map<string, ImageIndex>()
  for (const [name, tree] of archived.indexes) {
    const key = name === '' && names.size === 0 ? image.id : name
    if (key === image.id || names.has(key))
      indexes.set(key, await keepIndex(store, spool, tree, lease))
  }
  const displaced = archived.names.flatMap((name) => {
    const before = store.named(name)?.id
    return before === undefined || before === image.id ? [] : [{ name, before }]
  })
  if (names.size > 0 || indexes.size > 0) await store.rename({ set: names, indexes })
  store.events.emit('image', 'load', image.id, { ...image.config.config.Labels, name: image.id })
  for (const { before, name } of displaced) {
    const words = `The image ${familiarReference(name)} already exists, renaming the old one with ID ${before} to empty string`
    sink.emit({ stream: `${words}\n` })
  }
  for (const name of archived.names)
    sink.emit({ stream: `Loaded image: ${familiarReference(name)}\n` })
  if (names.size === 0) sink.emit({ stream: `Loaded image ID: ${image.id}\n` })
}

/** Takes in what is kept of an index. */
async function keepIndex(
  store: ImageStore,
  spool: Spool,
  tree: IndexTree,
  lease: Lease,
): Promise<ImageIndex> {
  const kept = keptIndex(tree)
  const wanted = new Set<string>(kept.blobs)
  const parts = tree.entries.flatMap(({ blobs, descriptor }) => [descriptor, ...blobs])
  for (const part of [tree.descriptor, ...parts.filter(({ digest }) => wanted.has(digest))]) {
    lease.blobs.add(part.digest)
    await spool.keep(blobIn(spool, part))
  }
  return kept
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
