import fs from 'node:fs/promises'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { EngineError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { hexOf } from '../oci/digest.ts'
import { OCI_INDEX } from '../oci/media-types.ts'
import { formatPlatform, parsePlatform, platformMatches } from '../oci/platform.ts'
import { tarHeader } from '../tar/header.ts'
import { encodeHeader, TAR_END, tarPadding } from '../tar/write.ts'
import type { Image } from './image.ts'
import { portableImage } from './portable.ts'
import type { PortableImage } from './portable.ts'
import { familiarName, familiarReference, formatReference, parseReference } from './reference.ts'
import type { Reference } from './reference.ts'
import type { ImageStore, Lease } from './store.ts'

const READ_SIZE = 1 << 20

/**
 * Images as one archive: an OCI layout that is a `docker save` archive, too. Blobs go out as they are kept, so nothing is
 * packed or digested anew, and a slow reader costs no memory. What the archive names cannot go while it is read.
 *
 *     oci-layout  index.json        the manifests, each with the name it was asked for by
 *     manifest.json  repositories   the same in Docker's own format
 *     blobs/sha256/<hex>            manifests, configs, layers, each once
 *
 * @throws NOT_FOUND without such an image, or when it is for another platform
 * @see GET /images/get; image-spec image-layout.md; moby image/spec "Combined Image JSON + Filesystem Changeset Format"
 */
export async function saveImages(
  store: ImageStore,
  names: readonly string[],
  options: { platforms?: string[] } = {},
  signal?: AbortSignal,
): Promise<Readable> {
  if (names.length === 0) throw new InvalidParameterError('no image is named to be saved')
  const selected = selectImages(store, names)
  const platforms = (options.platforms ?? []).map(parsePlatform)
  for (const { config } of selected.keys()) {
    const missing = platforms.find((platform) => !platformMatches(config, platform))
    if (missing)
      throw new NotFoundError(
        `image with reference ${names.join(', ')} was found but its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(missing)})`,
      )
  }

  return await new Promise((resolve, reject) => {
    store
      .leased(async (lease) => {
        for (const image of selected.keys()) holdBlobs(image, lease)
        const saved = await Promise.all(
          [...selected].map(async ([image, references]) => ({
            image,
            references,
            portable: await portableImage(store, image),
          })),
        )
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

interface SavedImage {
  image: Image
  references: Reference[]
  portable: PortableImage
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
    if (tags.length === 0) add(store.find(name))
    for (const { reference, image } of tags) add(image, reference)
  }
  return selected
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

  const written = new Set<string>()
  const isNew = ({ digest }: Descriptor): boolean => !written.has(digest) && !!written.add(digest)
  for (const { portable } of saved) {
    const { manifest, config, layers } = portable
    if (isNew(manifest.descriptor)) yield member(blobName(manifest.descriptor), manifest.content)
    for (const descriptor of [config, ...layers])
      if (isNew(descriptor)) yield* blobMember(store, descriptor)
  }
  yield TAR_END
}

/** One entry for each name, as containerd and Docker read them. @see image-spec annotations.md */
function ociIndex(saved: SavedImage[]): unknown {
  return {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: saved.flatMap(({ image, references, portable }): Descriptor[] => {
      const { architecture, os, variant } = image.config
      const descriptor = {
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
  const sources = image.document.layers.map(({ diffId }, index) => [diffId, portable.layers[index]])
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
  return `blobs/sha256/${hexOf(digest)}`
}

function member(name: string, content: Buffer): Buffer {
  const header = encodeHeader(tarHeader({ type: 'file', name, size: content.length }))
  return Buffer.concat([header, content, tarPadding(content.length)])
}

function directory(name: string): Buffer {
  return encodeHeader(tarHeader({ type: 'dir', name }))
}

async function* blobMember(
  store: ImageStore,
  { digest, size }: Descriptor,
): AsyncGenerator<Buffer> {
  const handle = await fs.open(store.blobs.pathOf(digest))
  try {
    const found = (await handle.stat()).size
    if (found !== size)
      throw new EngineError(
        'SYSTEM',
        `blob ${digest} is damaged on disk: ${found} of ${size} bytes`,
      )
    yield encodeHeader(tarHeader({ type: 'file', name: blobName({ digest } as Descriptor), size }))
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
