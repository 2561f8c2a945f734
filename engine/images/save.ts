import fs from 'node:fs/promises'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { SaveOptions } from '../contract/images.ts'
import { EngineError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, hexOf, pathOfDigest } from '../oci/digest.ts'
import { OCI_INDEX } from '../oci/media-types.ts'
import { formatPlatform, parsePlatform, platformMatches } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import { tarHeader } from '../tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../tar/write.ts'
import type { Image } from './image.ts'
import { presentImage } from './index-tree.ts'
import type { IndexEntry, IndexTree } from './index-tree.ts'
import { indexTree, portableEntry, portableImage } from './portable.ts'
import type { PortableImage } from './portable.ts'
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  withDefaultTag,
} from './reference.ts'
import type { Reference } from './reference.ts'
import type { ImageStore } from './store.ts'
import type { Lease } from './leases.ts'

const READ_SIZE = 1 << 20

/**
 * Images as one archive: an OCI layout that is a `docker save` archive, too. Blobs go out as they are kept, so nothing is
 * packed or digested anew, and a slow reader costs no memory. What the archive names cannot go while it is read.
 *
 *     oci-layout  index.json        the manifests, each with the name it was asked for by
 *     manifest.json  repositories   the same in Docker's own format
 *     blobs/sha256/<hex>            manifests, configs, layers, each once; sha512 beside where they are named so
 *
 * @throws NOT_FOUND without such an image, or without one for a platform asked for
 * @see GET /images/get; image-spec image-layout.md; moby image/spec "Combined Image JSON + Filesystem Changeset Format"
 */
export async function saveImages(
  store: ImageStore,
  names: readonly string[],
  options: SaveOptions = {},
  signal?: AbortSignal,
): Promise<Readable> {
  if (names.length === 0) throw new InvalidParameterError('no image is named to be saved')
  const selected = selectImages(store, names)
  const given = options.names?.map((name) => withDefaultTag(parseReference(name)))
  const platforms = (options.platforms ?? []).map(parsePlatform)

  return await new Promise((resolve, reject) => {
    store
      .leased(async (lease) => {
        for (const image of selected.keys()) holdBlobs(image, lease)
        const saved: SavedImage[] = []
        for (const [image, references] of selected) {
          const planned = await planImage(store, image, given ? [] : references, platforms, lease)
          saved.push(...(given ? planned.map((one) => ({ ...one, references: given })) : planned))
        }
        const [first] = saved
        if (first) options.described?.((first.index?.tree ?? first.portable.manifest).descriptor)
        const stream = Readable.from(archive(store, saved), { objectMode: false })
        const stop = (): void => {
          stream.destroy(signal?.reason as Error)
        }
        if (signal?.aborted) stop()
        signal?.addEventListener('abort', stop, { once: true })
        resolve(stream)
        // a reader that has gone is no failure here
        await finished(stream).catch(() => undefined)
        signal?.removeEventListener('abort', stop)
        for (const { id, config } of selected.keys())
          store.events.emit('image', 'save', id, { ...config.config.Labels, name: id })
      })
      .then(() => store.collect())
      .catch(reject)
  })
}

/** An image under names that all stand for the same: its manifest, or the index that it came by. */
interface SavedImage {
  image: Image
  references: Reference[]
  /** For Docker's own list, which has no indexes. */
  portable: PortableImage
  index: { tree: IndexTree; parts: IndexEntry[] } | undefined
}

/**
 * What is written of an image: the whole index where that is here, of it what is for the platforms asked for, else the
 * image alone.
 *
 * @throws NOT_FOUND when the image is not for a platform asked for, and there is none for it in its index
 */
async function planImage(
  store: ImageStore,
  image: Image,
  references: Reference[],
  platforms: Platform[],
  lease: Lease,
): Promise<SavedImage[]> {
  const byRoot = new Map<string, SavedImage>()
  for (const reference of references.length === 0 ? [undefined] : references) {
    const tree = await indexTree(store, reference, image)
    const index = tree && { tree, parts: partsFor(tree, platforms) }
    const isIndex = index !== undefined && index.parts.length > 0
    if (!isIndex) checkPlatforms(image, reference, platforms)
    const key = isIndex ? index.tree.descriptor.digest : ''
    const known = byRoot.get(key)
    if (known && reference) known.references.push(reference)
    if (known) continue
    const chosen =
      isIndex && platforms.length > 0
        ? presentImage({ ...index.tree, entries: index.parts })
        : undefined
    byRoot.set(key, {
      image,
      references: reference ? [reference] : [],
      portable: chosen ? portableEntry(chosen) : await portableImage(store, image),
      index: isIndex ? index : undefined,
    })
    if (isIndex) for (const { digest } of blobsOf(index)) lease.blobs.add(digest)
  }
  return [...byRoot.values()]
}

/** Of a whole index all, or what is for the platforms; empty when that is not here. */
function partsFor(tree: IndexTree, platforms: Platform[]): IndexEntry[] {
  if (platforms.length === 0) return tree.isWhole ? tree.entries : []
  const parts = platforms.map((platform) => presentImage(tree, platform))
  const found = parts.filter((part) => part !== undefined)
  return found.length === parts.length ? found : []
}

function blobsOf({ parts, tree }: NonNullable<SavedImage['index']>): Descriptor[] {
  return [tree.descriptor, ...parts.flatMap(({ blobs, descriptor }) => [descriptor, ...blobs])]
}

function checkPlatforms(
  image: Image,
  reference: Reference | undefined,
  platforms: Platform[],
): void {
  const missing = platforms.find((platform) => !platformMatches(image.config, platform))
  if (!missing) return
  const name = reference ? familiarReference(reference) : image.id
  throw new NotFoundError(
    `image with reference ${name} was found but its platform (${formatPlatform(image.config)}) does not match the specified platform (${formatPlatform(missing)})`,
  )
}

/** By ID an image goes without names; by a repository's name with all its tags. */
function selectImages(store: ImageStore, names: readonly string[]): Map<Image, Reference[]> {
  const selected = new Map<Image, Reference[]>()
  const add = (image: Image, ...references: Reference[]): void => {
    const known = selected.get(image) ?? []
    const texts = new Set(known.map(formatReference))
    selected.set(image, [
      ...known,
      ...references.filter((reference) => !texts.has(formatReference(reference))),
    ])
  }
  for (const name of names) {
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(name)) {
      add(store.find(name))
      continue
    }
    const asked = parseReference(name)
    if (asked.tag !== undefined || asked.digest !== undefined) {
      add(store.find(name), ...(asked.digest === undefined ? [asked] : []))
      continue
    }
    const tags = store.tagsOf(asked)
    if (tags.length === 0) add(findAsNamed(store, name))
    for (const { reference, image } of tags) add(image, reference)
  }
  return selected
}

/** What is asked for without a tag is all of its tags: that there is none is said of the bare name. */
function findAsNamed(store: ImageStore, name: string): Image {
  try {
    return store.find(name)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    throw new NotFoundError(`No such image: ${name}`, { cause: error })
  }
}

function holdBlobs({ id, document }: Image, lease: Lease): void {
  lease.blobs.add(id)
  if (document.manifest) lease.blobs.add(document.manifest.digest)
  for (const { blob } of document.layers) lease.blobs.add(blob.digest)
}

async function* archive(store: ImageStore, saved: SavedImage[]): AsyncGenerator<Buffer> {
  const documents: [string, unknown][] = [
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
    ['index.json', ociIndex(saved)],
    ['manifest.json', saved.map(dockerEntry)],
  ]
  const repositories = repositoriesOf(saved)
  if (Object.keys(repositories).length > 0) documents.push(['repositories', repositories])
  for (const [name, value] of documents) yield member(name, Buffer.from(JSON.stringify(value)))
  yield directory('blobs/')
  yield directory('blobs/sha256/')
  if (saved.some(hasSha512)) yield directory('blobs/sha512/')

  const written = new Set<string>()
  const isNew = ({ digest }: Descriptor): boolean => !written.has(digest) && !!written.add(digest)
  for (const { image, index, portable } of saved) {
    if (index)
      for (const descriptor of blobsOf(index))
        if (isNew(descriptor)) yield* blobMember(store, descriptor)
    const { manifest, config, layers } = portable
    if (isNew(manifest.descriptor)) yield member(blobName(manifest.descriptor), manifest.content)
    const madeAt = secondsOf(image.config.created)
    for (const descriptor of [config, ...layers])
      if (isNew(descriptor)) yield* blobMember(store, descriptor, madeAt)
  }
  yield TAR_END
}

function hasSha512({ index, portable }: SavedImage): boolean {
  const { config, layers, manifest } = portable
  const parts = [manifest.descriptor, config, ...layers, ...(index ? blobsOf(index) : [])]
  return parts.some(({ digest }) => algorithmOf(digest) === 'sha512')
}

/** One entry for each name, as containerd and Docker read them. @see image-spec annotations.md */
function ociIndex(saved: SavedImage[]): unknown {
  return {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: saved.flatMap(({ image, index, references, portable }): Descriptor[] => {
      const { architecture, os, variant } = image.config
      const descriptor = index
        ? index.tree.descriptor
        : {
            ...portable.manifest.descriptor,
            platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
          }
      if (references.length === 0) return [descriptor]
      return references.map((reference) => ({
        ...descriptor,
        annotations: {
          'io.containerd.image.name': formatReference(reference),
          'org.opencontainers.image.ref.name': reference.tag ?? 'latest',
        },
      }))
    }),
  }
}

function dockerEntry({ image, references, portable }: SavedImage): unknown {
  // of another platform's image it is not known what its layers unpack to
  const layers = portable.config.digest === image.id ? image.document.layers : []
  const sources = layers.map(({ diffId }, index) => [diffId, portable.layers[index]])
  return {
    Config: blobName(portable.config),
    RepoTags: references.length === 0 ? null : references.map(familiarReference),
    Layers: portable.layers.map(blobName),
    LayerSources: Object.fromEntries(sources) as unknown,
  }
}

/** The oldest of the formats: names, and the topmost layer of each. */
function repositoriesOf(saved: SavedImage[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {}
  for (const { references, portable } of saved) {
    const top = portable.layers.at(-1)
    if (!top) continue
    for (const reference of references)
      (repositories[familiarName(reference)] ??= {})[reference.tag ?? 'latest'] = hexOf(top.digest)
  }
  return repositories
}

function blobName({ digest }: Descriptor): string {
  return `blobs/${pathOfDigest(digest)}`
}

function member(name: string, content: Buffer): Buffer {
  const header = encodeHeader(tarHeader({ type: 'file', name, size: content.length }))
  return Buffer.concat([header, content, tarPadding(content.length)])
}

function directory(name: string): Buffer {
  return encodeHeader(tarHeader({ type: 'dir', name }))
}

/** What an image consists of is as old as itself in its archive, as in Docker's; so it is the same archive at any time. */
function secondsOf(created: string | null | undefined): number {
  const ms = Date.parse(created ?? '')
  return Number.isNaN(ms) ? 0 : Math.max(0, Math.floor(ms / 1000))
}

async function* blobMember(
  store: ImageStore,
  { digest, size }: Descriptor,
  mtimeSeconds = 0,
): AsyncGenerator<Buffer> {
  const handle = await fs.open(store.blobs.pathOf(digest))
  try {
    const found = (await handle.stat()).size
    if (found !== size)
      throw new EngineError(
        'SYSTEM',
        `blob ${digest} is damaged on disk: ${found} of ${size} bytes`,
      )
    const name = blobName({ digest } as Descriptor)
    yield encodeHeader(tarHeader({ type: 'file', name, size, mtimeSeconds }))
    for (let at = 0; at < size;) {
      // a new one each time: the reader holds on to it
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, size - at))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new EngineError('SYSTEM', `blob ${digest} is cut short on disk`)
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    const padding = tarPadding(size)
    if (padding.length > 0) yield padding
  } finally {
    await handle.close()
  }
}
