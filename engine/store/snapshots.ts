import { closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { ConflictError, EngineError, errorMessage, NotFoundError } from '../errors.ts'
import { DIRECTORY, statat } from '../native/fs.ts'
import { treeSize } from '../native/trees.ts'
import { MNT_DETACH, umount, mountFrom } from '../native/mount.ts'
import { runSteps } from '../native/steps.ts'
import { documentSteps, readDocumentSync, writeDocument } from './documents.ts'
import { EMPTY_LAYER } from './layers.ts'
import type { Layer, LayerStore } from './layers.ts'
import { lookUpMerged } from './merged.ts'
import type { Trash } from './trash.ts'

/** What overlayfs is told for a container: names in `lower` are relative to layersRoot, topmost first. */
export interface Overlay {
  layersRoot: string
  lower: string[]
  upper: string
  work: string
}

const layerSchema = z.object({ chainId: z.string(), diffId: z.string(), sizeBytes: z.number() })

const snapshotSchema = z.object({
  version: z.literal(1),
  imageId: z.string(),
  /** Bottom first. */
  layers: z.array(layerSchema),
  /** Images that are mounted in the container. */
  mounted: z.array(z.object({ imageId: z.string(), layers: z.array(layerSchema) })).optional(),
})

export type MountedImage = NonNullable<SnapshotDocument['mounted']>[number]
export type SnapshotDocument = z.infer<typeof snapshotSchema>

/**
 * The writable layers of containers:
 *
 *     <root>/<container id>/fs             overlayfs's upper directory
 *                          /work           and work directory
 *                          /snapshot.json  the layers below, and of the images mounted in it; written last, so a
 *                                          directory without it is no snapshot
 */
export class SnapshotStore {
  readonly #root: string
  readonly #trash: Trash
  readonly #snapshots: Map<string, SnapshotDocument>
  /** Those whose document cannot be read, with what is wrong: left as they are. */
  readonly #damaged: Map<string, string>
  #layers: LayerStore | undefined

  private constructor(
    root: string,
    trash: Trash,
    snapshots: Map<string, SnapshotDocument>,
    damaged: Map<string, string>,
  ) {
    this.#root = root
    this.#trash = trash
    this.#snapshots = snapshots
    this.#damaged = damaged
  }

  /** Opens the store and clears away what a crash left half made or half removed; what is damaged is reported. */
  static async open(
    root: string,
    trash: Trash,
    warn: (message: string, error?: unknown) => void = () => undefined,
  ): Promise<SnapshotStore> {
    await fs.mkdir(root, { recursive: true, mode: 0o700 })
    const snapshots = new Map<string, SnapshotDocument>()
    const damaged = new Map<string, string>()
    for (const id of await fs.readdir(root)) {
      try {
        const document = readDocumentSync(path.join(root, id, 'snapshot.json'), snapshotSchema)
        if (document) snapshots.set(id, document)
        else trash.throwAway(path.join(root, id))
      } catch (error) {
        damaged.set(id, errorMessage(error))
        warn(
          `the writable layer of container ${id} cannot be used until its document is mended`,
          error,
        )
      }
    }
    return new SnapshotStore(root, trash, snapshots, damaged)
  }

  /** The layers are opened after, because snapshots refer to them. */
  useLayers(layers: LayerStore): void {
    this.#layers = layers
  }

  /** Layers that snapshots stand on. */
  *referenced(): Generator<Layer> {
    for (const { layers, mounted = [] } of this.#snapshots.values()) {
      yield* layers
      for (const image of mounted) yield* image.layers
    }
  }

  /** Whether a writable layer was made on an image, or has it mounted. */
  standsOn(imageId: string): boolean {
    for (const snapshot of this.#snapshots.values())
      if (imagesOf(snapshot).includes(imageId)) return true
    return false
  }

  /** The layers of an image that some container has mounted, though it may have been removed by force. */
  mountedLayers(imageId: string): Layer[] | undefined {
    for (const { mounted = [] } of this.#snapshots.values()) {
      const image = mounted.find((each) => each.imageId === imageId)
      if (image) return image.layers
    }
    return undefined
  }

  list(): string[] {
    return [...this.#snapshots.keys(), ...this.#damaged.keys()]
  }

  /**
   * Makes a container's writable layer on an image.
   *
   * @param layers bottom first
   * @param options.sync false: it need not survive a power cut
   * @param options.mounted images to be mounted in it, whose layers are kept as long
   * @throws SYSTEM when a layer's directory has gone
   */
  async create(
    id: string,
    imageId: string,
    layers: Layer[],
    options: { sync?: boolean; mounted?: MountedImage[] } = {},
  ): Promise<void> {
    const { mounted = [] } = options
    this.#store.requireTrees(imageId, layers)
    for (const image of mounted) this.#store.requireTrees(image.imageId, image.layers)
    const directory = path.join(this.#root, id)
    const upper = path.join(directory, 'fs')
    const file = path.join(directory, 'snapshot.json')
    const document: SnapshotDocument = {
      version: 1,
      imageId,
      layers,
      ...(mounted.length > 0 ? { mounted } : {}),
    }
    const { uid, gid, mode } = this.#rootOf(layers)
    try {
      await runSteps([
        { do: 'mkdir', path: directory, mode: 0o700 },
        { do: 'mkdir', path: path.join(directory, 'work'), mode: 0o700 },
        { do: 'mkdir', path: upper, mode: 0o755 },
        { do: 'chown', path: upper, uid, gid },
        { do: 'chmod', path: upper, mode },
        ...(options.sync === false ? [] : documentSteps(file, document)),
      ])
      if (options.sync === false) await writeDocument(file, document, options)
    } catch (error) {
      this.#trash.throwAway(directory)
      throw error
    }
    this.#snapshots.set(id, document)
  }

  /** @throws SYSTEM when a layer's directory has gone */
  checkLayers(id: string): void {
    const { imageId, layers, mounted = [] } = this.#get(id)
    for (const image of [{ imageId, layers }, ...mounted])
      this.#store.requireTrees(image.imageId, image.layers)
  }

  /** @throws NOT_FOUND */
  overlay(id: string): Overlay {
    const lower = this.#lowerOf(this.#get(id).layers)
    return {
      layersRoot: this.#store.root,
      lower: lower.length > 0 ? lower : [EMPTY_LAYER],
      upper: path.join(this.#root, id, 'fs'),
      work: path.join(this.#root, id, 'work'),
    }
  }

  /**
   * What overlayfs is told for an image that is mounted in a container. Without an upper directory it wants two lower ones
   * at least.
   *
   * @throws NOT_FOUND
   */
  imageLayers(id: string, imageId: string): Pick<Overlay, 'layersRoot' | 'lower'> {
    const image = this.#get(id).mounted?.find((each) => each.imageId === imageId)
    if (!image) throw new NotFoundError(`container ${id} has not mounted the image ${imageId}`)
    return { layersRoot: this.#store.root, lower: [...this.#lowerOf(image.layers), EMPTY_LAYER] }
  }

  /** Bytes in the writable layer; 0 when there is none. */
  async usage(id: string): Promise<number> {
    return await treeSize(path.join(this.#root, id, 'fs'))
  }

  /**
   * Fine when there is none.
   *
   * @returns the images it needed
   */
  remove(id: string): string[] {
    const snapshot = this.#snapshots.get(id)
    this.#trash.throwAway(path.join(this.#root, id))
    this.#snapshots.delete(id)
    this.#damaged.delete(id)
    return snapshot ? imagesOf(snapshot) : []
  }

  /**
   * Mounts a container's root on the host. It must not be mounted elsewhere: overlayfs allows one at a time.
   *
   * @param target an existing directory
   */
  mount(id: string, target: string): void {
    const { layersRoot, lower, upper, work } = this.overlay(id)
    for (const file of [upper, work]) {
      // they separate options and layers
      if (/[,:\\]/.test(file))
        throw new ConflictError(
          `${file}: a path with a comma, colon or backslash cannot be mounted`,
        )
    }
    const data = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`
    mountFrom(layersRoot, 'overlay', target, 'overlay', 0, data)
  }

  umount(target: string): void {
    umount(target, MNT_DETACH)
  }

  /**
   * Reads a file of a container's root through its layers, mounted or not; links are followed, but never out of it.
   *
   * @returns undefined when it is not there or no regular file
   * @throws SYSTEM when it is longer than maxBytes
   */
  async readFile(id: string, file: string, maxBytes = 16 * 2 ** 20): Promise<Buffer | undefined> {
    const { layersRoot, lower, upper } = this.overlay(id)
    const roots: number[] = []
    try {
      for (const tree of [upper, ...lower.map((name) => path.join(layersRoot, name))]) {
        roots.push(openSync(tree, DIRECTORY))
      }
      const found = lookUpMerged(roots, file)
      if (found === undefined) return undefined
      try {
        return readWhole(found, file, maxBytes)
      } finally {
        closeSync(found)
      }
    } finally {
      for (const fd of roots) closeSync(fd)
    }
  }

  /** The root directory's own owner and mode are those of the topmost layer, which the writable one would hide. */
  #rootOf(layers: Layer[]): { uid: number; gid: number; mode: number } {
    const top = layers.at(-1)
    if (!top) return { uid: 0, gid: 0, mode: 0o755 }
    const { uid, gid, mode } = statSync(
      path.join(this.#store.root, this.#store.nameOf(top.chainId)),
    )
    return { uid, gid, mode: mode & 0o7777 }
  }

  /** Topmost first. */
  #lowerOf(layers: Layer[]): string[] {
    return layers.map(({ chainId }) => this.#store.nameOf(chainId)).reverse()
  }

  #get(id: string): SnapshotDocument {
    const document = this.#snapshots.get(id)
    const damage = this.#damaged.get(id)
    if (damage !== undefined)
      throw new EngineError('SYSTEM', `${damage}: mend it and start the engine again`)
    if (!document) throw new NotFoundError(`container ${id} has no writable layer`)
    return document
  }

  get #store(): LayerStore {
    if (!this.#layers) throw new Error('useLayers has not been called')
    return this.#layers
  }
}

function imagesOf({ imageId, mounted = [] }: SnapshotDocument): string[] {
  return [imageId, ...mounted.map((image) => image.imageId)]
}

const { S_IFMT, S_IFREG, O_RDONLY, O_NONBLOCK } = constants

function readWhole(found: number, file: string, maxBytes: number): Buffer | undefined {
  const stat = statat(found, '')
  if (!stat || (stat.mode & S_IFMT) !== S_IFREG) return undefined
  if (stat.size > maxBytes)
    throw new EngineError('SYSTEM', `${file} is larger than ${maxBytes} bytes`)
  const fd = openSync(`/proc/self/fd/${found}`, O_RDONLY | O_NONBLOCK)
  try {
    const content = Buffer.alloc(stat.size)
    let length = 0
    while (length < content.length) {
      const read = readSync(fd, content, length, content.length - length, length)
      if (read === 0) break
      length += read
    }
    return content.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}
