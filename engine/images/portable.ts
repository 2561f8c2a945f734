import type { Descriptor } from '../oci/descriptor.ts'
import { digestOf } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../oci/media-types.ts'
import type { Image } from './image.ts'
import { readIndex } from './index-tree.ts'
import type { ContentSource, IndexEntry, IndexTree } from './index-tree.ts'
import type { Reference } from './reference.ts'
import type { ImageStore } from './store.ts'

/** An image as it goes to others: everything here is in the blob store, but a manifest that was made for it may not be. */
export interface PortableImage {
  manifest: { descriptor: Descriptor; content: Buffer }
  config: Descriptor
  /** Bottom first. */
  layers: Descriptor[]
}

/**
 * The image with its manifest: the one that it came with, byte for byte, so that its digest stays; else one made of
 * what is here, always the same for the same config and blobs.
 */
export async function portableImage(store: ImageStore, image: Image): Promise<PortableImage> {
  return (await originalOf(store, image)) ?? (await makePortable(store, image))
}

/** With the manifest that it came with; undefined when it had none, or when its layers are here in other blobs. */
export async function originalOf(
  store: ImageStore,
  { document }: Image,
): Promise<PortableImage | undefined> {
  if (document.manifest === null) return undefined
  const content = await store.blobs.read(document.manifest.digest)
  const manifest = parseManifest(content, document.manifest.mediaType)
  if (manifest.kind !== 'manifest' || manifest.layers.length !== document.layers.length)
    return undefined
  // by another digest than the image's ID its config is not kept
  if (manifest.config.digest !== document.id) return undefined
  const isWhole = manifest.layers.every(
    ({ digest }, index) => digest === document.layers[index]?.blob.digest,
  )
  if (!isWhole) return undefined
  const { mediaType, digest, size } = document.manifest
  return {
    manifest: { descriptor: { mediaType, digest, size }, content },
    config: manifest.config,
    layers: manifest.layers,
  }
}

async function makePortable(store: ImageStore, image: Image): Promise<PortableImage> {
  const size = (await store.blobs.read(image.id)).length
  const layers = image.document.layers.map(({ blob }) => blob)
  return manifestFor(image.id, size, layers)
}

/** An image within an index, all of which is here. */
export function portableEntry({ content, descriptor, manifest }: IndexEntry): PortableImage {
  if (!manifest || !content) throw new Error(`${descriptor.digest} is not here`)
  const { digest, size } = descriptor
  return {
    manifest: { descriptor: { mediaType: manifest.mediaType, digest, size }, content },
    config: manifest.config,
    layers: manifest.layers,
  }
}

/** The index that a name of an image stands for, with what is here of it. */
export async function indexTree(
  store: ImageStore,
  name: Reference | undefined,
  image: Image,
): Promise<IndexTree | undefined> {
  const index = store.indexOf(name, image)
  return index && (await readIndex(storeSource(store), index.descriptor))
}

export function storeSource({ blobs }: ImageStore): ContentSource {
  return {
    has: ({ digest }) => blobs.has(digest),
    document: ({ digest }) => blobs.read(digest),
  }
}

/** A manifest in OCI's format. */
export function manifestFor(
  configDigest: string,
  configSize: number,
  layers: readonly Descriptor[],
): PortableImage {
  const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({
    mediaType: ociLayerType(mediaType),
    digest,
    size,
  })
  const config = { mediaType: OCI_CONFIG, digest: configDigest, size: configSize } as Descriptor
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: layers.map(plain),
  }
  const content = Buffer.from(JSON.stringify(document))
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(content), size: content.length }
  return { manifest: { descriptor, content }, config, layers: document.layers }
}

function ociLayerType(mediaType: string): string {
  const compression = /[.+](gzip|zstd)$/.exec(mediaType)?.[1]
  return compression === undefined ? OCI_LAYER : `${OCI_LAYER}+${compression}`
}
