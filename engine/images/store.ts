import fs from 'node:fs/promises'
import path from 'node:path'
import { currentCaller } from '../caller.ts'
import type { Caller } from '../contract.ts'
import { NotFoundError } from '../errors.ts'
import type { Events } from '../events/events.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, digestOf, hexOf, shortId } from '../oci/digest.ts'
import { parseImageConfig, type OciImageConfig } from '../oci/image-config.ts'
import { BlobStore } from '../store/blobs.ts'
import { removeDocument, sweepTemporaryDocuments, writeDocument } from '../store/documents.ts'
import { LayerStore } from '../store/layers.ts'
import { DEFAULT_LIMITS } from '../store/limits.ts'
import type { UnpackLimits } from '../store/limits.ts'
import { SharedWork } from '../store/shared-work.ts'
import { SnapshotStore } from '../store/snapshots.ts'
import { Trash } from '../store/trash.ts'
import { damageOf } from './damage.ts'
import { readImages } from './image-documents.ts'
import { blobsOf, imageOf } from './image.ts'
import type { Image, ImageDocument, ImageLayer } from './image.ts'
import { Leases } from './leases.ts'
import type { Lease } from './leases.ts'
import { ImageUsers } from './image-users.ts'
import type { ImageUser } from './image-users.ts'
import { ImageNames } from './image-names.ts'
import type { NameChanges } from './image-names.ts'
import { blobsOfIndex, readNames } from './names-document.ts'
import type { ImageIndex, Names } from './names-document.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from './reference.ts'
import type { Reference } from './reference.ts'

export interface ImageStoreOptions {
  dataRoot: string
  events: Events
  /** The containers that there are of an image. */
  usedBy: (imageId: string) => ImageUser[]
  limits?: UnpackLimits
  /** Told of documents that cannot be read. */
  warn?: Warn
  /** What others than images have a record of: the builder's cache, the registry's repositories. */
  kept?: () => Iterable<Kept>
}

/** Content that is not collected: a layer with its archive, or a blob alone. */
export type Kept = ImageLayer | { blob: { digest: string } }

type Warn = (message: string, error?: unknown) => void

/**
 * All images of this engine with their names, blobs and layers.
 *
 *     <data>/images/<hex>.json           one per image (image.ts)
 *     <data>/images/references.json      names
 *     <data>/blobs, layers, snapshots    content (engine/store)
 *     <data>/trash                       being deleted
 *
 * What is on disk follows from what documents name: an image's document is written when all it names is there, and
 * removed before what it named. So after a crash at any point, `open` finds only too much, and removes that.
 */
export class ImageStore {
  readonly events: Events
  readonly users: ImageUsers
  readonly #kept: () => Iterable<Kept>
  readonly blobs: BlobStore
  readonly layers: LayerStore
  readonly snapshots: SnapshotStore
  readonly trash: Trash
  /** Downloads under way, by digest. */
  readonly downloads = new SharedWork<void, DownloadProgress>()
  /** Layers being compressed, by the digest of what is compressed. */
  readonly compressions = new SharedWork<Descriptor, CompressionProgress>()
  readonly #directory: string
  readonly #images: Map<string, Image>
  readonly #names: ImageNames
  readonly #leases = new Leases()
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(fields: {
    options: ImageStoreOptions
    directory: string
    blobs: BlobStore
    layers: LayerStore
    snapshots: SnapshotStore
    trash: Trash
    images: Map<string, Image>
    names: Names | undefined
  }) {
    this.events = fields.options.events
    this.users = new ImageUsers(fields.options.usedBy)
    this.#kept = fields.options.kept ?? (() => [])
    this.blobs = fields.blobs
    this.layers = fields.layers
    this.snapshots = fields.snapshots
    this.trash = fields.trash
    this.#directory = fields.directory
    this.#images = fields.images
    this.#names = new ImageNames(path.join(fields.directory, REFERENCES), fields.names, (id) =>
      this.#images.has(id),
    )
  }

  static async open(options: ImageStoreOptions): Promise<ImageStore> {
    const at = (name: string): string => path.join(options.dataRoot, name)
    const directory = at('images')
    await fs.mkdir(directory, { recursive: true, mode: 0o700 })
    await sweepTemporaryDocuments(directory)
    const trash = await Trash.open(at('trash'))
    const warn = options.warn ?? (() => undefined)
    const snapshots = await SnapshotStore.open(at('snapshots'), trash, warn)

    const { documents, isWhole } = await readImages(directory, warn)
    const names = await readNames(path.join(directory, REFERENCES), warn)
    const kept = [...(options.kept?.() ?? [])]
    const blobs = await BlobStore.open(
      at('blobs'),
      new Set([
        ...documents.flatMap(blobsOf),
        ...(names?.indexes ?? []).flatMap(blobsOfIndex),
        ...kept.map(({ blob }) => blob.digest),
      ]),
      { keepUnknown: !isWhole },
    )
    const layers = await LayerStore.open({
      root: at('layers'),
      trash,
      limits: options.limits ?? DEFAULT_LIMITS,
      keepUnknown: !isWhole,
      referenced: [
        ...documents.flatMap((document) => document.layers),
        ...kept.filter((each) => 'chainId' in each),
        ...snapshots.referenced(),
      ],
    })
    snapshots.useLayers(layers)

    const images = new Map<string, Image>()
    await Promise.all(
      documents.map(async (document) => {
        try {
          images.set(
            document.id,
            imageOf(document, parseImageConfig(await blobs.read(document.id))),
          )
        } catch (error) {
          warn(`image ${shortId(document.id)} is passed over, pull or load it again`, error)
        }
      }),
    )
    const store = new ImageStore({
      options,
      directory,
      blobs,
      layers,
      snapshots,
      trash,
      images,
      names,
    })
    for (const { document } of images.values()) {
      const told = store.referencesOf(document.id).map(familiarReference)
      const damage = damageOf(document, told, store)
      if (damage !== undefined) warn(damage)
    }
    return store
  }

  all(): Image[] {
    return [...this.#images.values()]
  }

  get(id: string): Image | undefined {
    return this.#images.get(id)
  }

  /** Full references to an image, sorted. */
  referencesOf(id: string): readonly Reference[] {
    return this.#names.of(id)
  }

  /** Every tag of a repository, sorted, with the image that it names. */
  tagsOf({ domain, path: repository }: Reference): { reference: Reference; image: Image }[] {
    return this.#names
      .all()
      .sort(([a], [b]) => a.localeCompare(b))
      .flatMap(([name, id]) => {
        const reference = parseReference(name)
        const image = this.#images.get(id)
        const isOf = reference.domain === domain && reference.path === repository
        return isOf && image && reference.digest === undefined ? [{ reference, image }] : []
      })
  }

  /** Who gave an image this full reference; unknown of those older than the record. */
  namedBy(reference: Reference): Caller | undefined {
    return this.#names.givenBy(reference)
  }

  /** The image that a full reference names. */
  named(reference: Reference): Image | undefined {
    return this.#images.get(this.#names.idOf(reference) ?? '')
  }

  /**
   * Finds an image by ID, reference, or prefix of its ID; a name comes before a prefix, as with Docker.
   *
   * @throws NOT_FOUND "No such image: x:latest"
   */
  find(name: string): Image {
    const id = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(name)?.[1]
    if (id?.length === 64) {
      const image = this.#images.get(`sha256:${id}`)
      if (image) return image
      throw new NotFoundError(`No such image: ${name}`)
    }
    const reference = withDefaultTag(parseReference(name))
    const image = this.named(reference) ?? this.#byDigest(reference)
    if (image) return image
    if (id !== undefined) {
      const matches = this.all().filter((candidate) => hexOf(candidate.id).startsWith(id))
      if (matches.length === 1 && matches[0]) return matches[0]
    }
    throw new NotFoundError(`No such image: ${familiarReference(reference)}`)
  }

  /**
   * The index that a name of an image stands for, an ID for all its names; undefined when it is the image's manifest
   * alone.
   */
  indexOf(name: Reference | undefined, image: Image): ImageIndex | undefined {
    const names =
      name === undefined
        ? [image.id, ...this.referencesOf(image.id).map(formatReference)]
        : [formatReference(name)]
    const index = this.#names.indexOf(names)
    return index && this.blobs.has(index.descriptor.digest) ? index : undefined
  }

  /** The name by which `find` found an image; undefined when that was its ID. */
  nameOf(text: string, image: Image): Reference | undefined {
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(text)) return undefined
    const reference = withDefaultTag(parseReference(text))
    const { tag: _, ...untagged } = reference
    return [reference, untagged].find((name) => this.named(name)?.id === image.id)
  }

  /** The archive that some image has for a layer. */
  knownBlob(chainId: string): Descriptor | undefined {
    for (const { document } of this.#images.values()) {
      const layer = document.layers.find((candidate) => candidate.chainId === chainId)
      if (layer && this.blobs.has(layer.blob.digest)) return layer.blob
    }
    return undefined
  }

  /** The archive that some image has for a layer's content, of a kind. */
  blobOf(diffId: string, isWanted: (blob: Descriptor) => boolean): Descriptor | undefined {
    for (const { document } of this.#images.values()) {
      for (const { blob, diffId: found } of document.layers)
        if (found === diffId && this.blobs.has(blob.digest) && isWanted(blob)) return blob
    }
    return undefined
  }

  /** Whether an image's document says that a blob is the archive of this content. */
  isArchiveOf(digest: string, diffId: string): boolean {
    return this.blobOf(diffId, (blob) => blob.digest === digest) !== undefined
  }

  /** Keeps blobs and layers from collection while they are being put together. */
  async leased<T>(work: (lease: Lease) => Promise<T>): Promise<T> {
    return await this.#leases.during(work)
  }

  /**
   * Takes an image in, all of whose layers and layer blobs are there. One that is known already only gains the manifest
   * and blobs it lacked.
   */
  async add(
    configContent: Buffer,
    layers: ImageDocument['layers'],
    manifest: { descriptor: Descriptor; content: Buffer } | null,
    lease: Lease,
  ): Promise<Image> {
    const config = parseImageConfig(configContent)
    lease.blobs.add(digestOf(configContent))
    const id = await this.blobs.write(configContent)
    if (manifest) {
      lease.blobs.add(manifest.descriptor.digest)
      await this.blobs.write(manifest.content, algorithmOf(manifest.descriptor.digest))
    }
    return await this.#exclusively(async () => {
      const known = this.#images.get(id)
      if (
        known &&
        (manifest === null || known.document.manifest?.digest === manifest.descriptor.digest)
      ) {
        return known
      }
      return await this.#put(config, {
        version: 1,
        id,
        manifest: manifest?.descriptor ?? null,
        layers,
        tagged: known?.document.tagged ?? '',
        createdBy: known === undefined ? currentCaller() : known.document.createdBy,
      })
    })
  }

  /**
   * Gives an image a manifest, with the archives of its layers that this names. One that was removed meanwhile stays so:
   * its layers have gone with it.
   */
  async addManifest(
    id: string,
    layers: ImageDocument['layers'],
    manifest: { descriptor: Descriptor; content: Buffer },
    lease: Lease,
  ): Promise<void> {
    const { descriptor, content } = manifest
    lease.blobs.add(descriptor.digest)
    await this.blobs.write(content, algorithmOf(descriptor.digest))
    await this.#exclusively(async () => {
      const image = this.#images.get(id)
      if (!image || image.document.manifest?.digest === descriptor.digest) return
      await this.#put(image.config, { ...image.document, manifest: descriptor, layers })
    })
  }

  /** Writes an image's document when all that it names has come to the disk. */
  async #put(config: OciImageConfig, document: ImageDocument): Promise<Image> {
    const { id, layers, manifest } = document
    const unsynced = this.blobs.unsynced()
    if (await this.layers.makeDurable(layers.map(({ chainId }) => chainId)))
      this.blobs.cameToDisk(unsynced)
    await this.blobs.makeDurable([
      id,
      ...(manifest ? [manifest.digest] : []),
      ...layers.flatMap(({ blob }) => (blob ? [blob.digest] : [])),
    ])
    await writeDocument(this.#fileOf(id), document)
    const image = imageOf(document, config)
    this.#images.set(id, image)
    return image
  }

  /**
   * Points names to images and takes names away, all at once.
   *
   * @param changes.indexes what of the names set, or of IDs of images, stands for an index, whose blobs are there
   */
  async rename(changes: NameChanges): Promise<void> {
    await this.#exclusively(() => this.#rename(changes))
  }

  async #rename(changes: NameChanges): Promise<void> {
    for (const { blobs } of changes.indexes?.values() ?? []) await this.blobs.makeDurable(blobs)
    if (!(await this.#names.change(changes))) return
    for (const [reference, id] of changes.set ?? []) {
      if (parseReference(reference).tag === undefined) continue
      const image = this.#images.get(id)
      if (!image) continue
      const document = { ...image.document, tagged: new Date().toISOString() }
      await writeDocument(this.#fileOf(id), document, { sync: false })
      this.#images.set(id, { ...image, document })
    }
  }

  /** Whether a container's writable layer stands on an image, or work in progress needs it. */
  isHeld(id: string): boolean {
    return this.snapshots.standsOn(id) || this.#leases.has('blobs', id)
  }

  /**
   * Removes an image with its names, and all that only it needed.
   *
   * @param isAllowed asked when nothing else changes images and names; nobody finds the image from then on
   * @returns undefined when it has gone or may not go; else its names, the chain IDs of the layers that went, topmost
   * first, and their bytes
   */
  async delete(id: string, isAllowed: () => boolean): Promise<DeletedImage | undefined> {
    return await this.#exclusively(async () => {
      const image = this.#images.get(id)
      if (!image || !isAllowed()) return undefined
      const names = this.referencesOf(id)
      // what is made of it while the disk is told would stand on nothing
      this.#images.delete(id)
      try {
        await this.#rename({ remove: names.map(formatReference) })
        await removeDocument(this.#fileOf(id))
      } catch (error) {
        this.#images.set(id, image)
        throw error
      }
      return { names, ...(await this.#collect()) }
    })
  }

  /** Changes what `kept` tells, with no collection at the same time that still goes by what it told before. */
  async keeping<T>(record: () => Promise<T>): Promise<T> {
    return await this.#exclusively(record)
  }

  /** Removes blobs and layers that nothing refers to. */
  async collect(): Promise<{ layers: string[]; bytes: number }> {
    return await this.#exclusively(() => this.#collect())
  }

  async close(): Promise<void> {
    await this.#tail
    await this.layers.close()
    await this.trash.close()
  }

  /** Bytes of the layers that nothing but these images needs. */
  bytesOnlyOf(images: ReadonlySet<string>): number {
    const { layers } = this.#needed(images)
    return this.layers
      .all()
      .reduce((sum, { chainId, sizeBytes }) => sum + (layers.has(chainId) ? 0 : sizeBytes), 0)
  }

  /** What documents name, but for those of some images. */
  #needed(without: ReadonlySet<string> = new Set()): { blobs: Set<string>; layers: Set<string> } {
    const blobs = new Set<string>()
    const layers = new Set<string>()
    for (const { document, id } of this.#images.values()) {
      if (without.has(id)) continue
      for (const digest of blobsOf(document)) blobs.add(digest)
      for (const { chainId } of document.layers) layers.add(chainId)
    }
    for (const { chainId } of this.snapshots.referenced()) layers.add(chainId)
    for (const index of this.#names.indexes())
      for (const digest of blobsOfIndex(index)) blobs.add(digest)
    for (const each of this.#kept()) {
      if ('chainId' in each) layers.add(each.chainId)
      blobs.add(each.blob.digest)
    }
    return { blobs, layers }
  }

  async #collect(): Promise<{ layers: string[]; bytes: number }> {
    const { blobs, layers } = this.#needed()
    const gone = this.layers
      .all()
      .filter(({ chainId }) => !layers.has(chainId) && !this.#leases.has('layers', chainId))
    // put in bottom first, so the other way round
    gone.reverse()
    for (const { chainId } of gone) this.layers.remove(chainId)
    // leases come while blobs are being deleted
    for (const digest of this.blobs.all()) {
      if (!blobs.has(digest) && !this.#leases.has('blobs', digest)) await this.blobs.remove(digest)
    }
    return {
      layers: gone.map(({ chainId }) => chainId),
      bytes: gone.reduce((sum, layer) => sum + layer.sizeBytes, 0),
    }
  }

  /** `name@digest`, also with a tag in between, by any image of that name with that manifest. */
  #byDigest({ domain, path: repository, digest }: Reference): Image | undefined {
    if (digest === undefined) return undefined
    return this.named({ domain, path: repository, digest })
  }

  #fileOf(id: string): string {
    return path.join(this.#directory, `${hexOf(id)}.json`)
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work, work)
    this.#tail = turn.catch(() => undefined)
    return await turn
  }
}

export interface DeletedImage {
  names: readonly Reference[]
  layers: string[]
  bytes: number
}

export interface DownloadProgress {
  current: number
  phase: 'downloading' | 'verifying'
}

export interface CompressionProgress {
  /** Bytes of the layer that were read. */
  read: number
  /** The digest of what was made, told before it is put in its place: who waits for it is to hold it from then on. */
  made?: string
}

const REFERENCES = 'references.json'
