import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { isAttestation, parseManifest } from '../oci/manifest.ts'
import type { Manifest } from '../oci/manifest.ts'
import { choosePlatform, hostPlatform } from '../oci/platform.ts'
import type { Platform } from '../oci/platform.ts'
import type { ImageIndex } from './names-document.ts'

/** Where an index and what it names may be: the store, or an archive. */
export interface ContentSource {
  has(descriptor: Descriptor): boolean
  /** A manifest or an index that is there. */
  document(descriptor: Descriptor): Promise<Buffer>
}

/** A manifest or an index within an index, with what is here of it. */
export interface IndexEntry {
  descriptor: Descriptor
  /** Absent when the document itself is not here, or is one of an index. */
  manifest?: Manifest
  content?: Buffer
  /** Config and layers, but those that only their own address hands out. */
  blobs: Descriptor[]
  isAttestation: boolean
  isWhole: boolean
}

export interface IndexTree {
  descriptor: Descriptor
  content: Buffer
  /** Parts before what names them, so that they can be pushed in this order. */
  entries: IndexEntry[]
  /** Everything in it is here. */
  isWhole: boolean
}

/** Indexes within indexes are followed so deep. */
const MAX_DEPTH = 4

/**
 * Reads an index that is here, and all that it names as far as that is here.
 *
 * @throws INVALID_PARAMETER when something in it is no manifest
 * @see image-spec image-index.md
 */
export async function readIndex(source: ContentSource, descriptor: Descriptor): Promise<IndexTree> {
  const content = await source.document(descriptor)
  const entries = await entriesOf(source, content, descriptor.mediaType, 1)
  return { descriptor, content, entries, isWhole: entries.every(({ isWhole }) => isWhole) }
}

/** What is to be kept of an index with the images that came by it: all when all is there, else the index alone. */
export function keptIndex({ descriptor, entries, isWhole }: IndexTree): ImageIndex {
  const { digest, mediaType, size } = descriptor
  const blobs = entries.flatMap((entry) => [entry.descriptor.digest, ...entry.blobs.map(digestOf)])
  return { descriptor: { mediaType, digest, size }, blobs: isWhole ? [...new Set(blobs)] : [] }
}

/** The image of an index for a platform, of those that are whole; without one for this host, else the first. */
export function presentImage(tree: IndexTree, platform?: Platform): IndexEntry | undefined {
  const images = tree.entries.filter((each) => isImage(each) && each.isWhole)
  const choose = (wanted: Platform): IndexEntry | undefined => {
    const chosen = choosePlatform(
      images.map(({ descriptor }) => descriptor),
      wanted,
    )
    return images.find(({ descriptor }) => descriptor === chosen)
  }
  return platform === undefined ? (choose(hostPlatform()) ?? images[0]) : choose(platform)
}

/** A manifest that is no attestation. */
export function isImage(entry: IndexEntry): boolean {
  return entry.manifest !== undefined && !entry.isAttestation
}

async function entriesOf(
  source: ContentSource,
  content: Buffer,
  mediaType: string,
  depth: number,
): Promise<IndexEntry[]> {
  const index = parseManifest(content, mediaType)
  const entries: IndexEntry[] = []
  for (const descriptor of index.kind === 'index' ? index.manifests : [])
    entries.push(...(await entryOf(source, descriptor, depth)))
  return entries
}

/** A manifest that stands by itself, as if it were in an index. */
export async function entryAt(
  source: ContentSource,
  descriptor: Descriptor,
): Promise<IndexEntry | undefined> {
  return (await entryOf(source, descriptor, MAX_DEPTH)).at(-1)
}

async function entryOf(
  source: ContentSource,
  descriptor: Descriptor,
  depth: number,
): Promise<IndexEntry[]> {
  const bare = { descriptor, blobs: [], isAttestation: isAttestation(descriptor) }
  if (!source.has(descriptor)) return [{ ...bare, isWhole: false }]
  const content = await source.document(descriptor)
  const parsed = parseManifest(content, descriptor.mediaType)
  if (parsed.kind === 'index') {
    if (depth >= MAX_DEPTH) return [{ ...bare, isWhole: false }]
    const below = await entriesOf(source, content, parsed.mediaType, depth + 1)
    return [...below, { ...bare, content, isWhole: true }]
  }
  const blobs = [parsed.config, ...parsed.layers].filter(({ urls }) => (urls ?? []).length === 0)
  const isWhole = blobs.every((blob) => source.has(blob))
  return [{ ...bare, manifest: parsed, content, blobs, isWhole }]
}

function digestOf({ digest }: Descriptor): Digest {
  return digest
}
