import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { EngineError, InvalidParameterError } from '../errors.ts'
import { setTopDirectory, syncFs } from '../native/trees.ts'
import { hexOf } from '../oci/digest.ts'
import { adoptDirectories } from './adopt-directories.ts'
import type { UnpackLimits } from './limits.ts'
import { SharedWork } from './shared-work.ts'
import type { Trash } from './trash.ts'
import type { Unpacked } from './unpack.ts'
import { UnpackAhead } from './unpack-ahead.ts'
import { Unpacker } from './unpacker.ts'

/** A layer on top of all below it. */
export interface Layer {
  /** Names the layer with all below it. */
  chainId: string
  /** Digest of the layer's own uncompressed archive. */
  diffId: string
  /** Sum of its files' sizes. */
  sizeBytes: number
}

export interface LayerSource {
  chainId: string
  diffId: string
  /** Chain IDs of the layers below, topmost first. */
  below: string[]
  /** Settles when the layer below is there; what it throws, this layer throws, too. */
  belowReady: Promise<unknown>
  /** The archive. */
  blob: string
  /** The archive is known to hold this layer: a document says so, which is written only for what was unpacked or digested. */
  isKnown?: boolean
}

/**
 * Unpacked layers, each once:
 *
 *     <root>/<24 hex of the chain ID>/fs   as overlayfs wants them
 *     <root>/empty/fs                      below an image without layers
 *     <root>/tmp-…/fs                      being unpacked
 *
 * A layer counts only while a document names its chain ID, and documents are written after `makeDurable`. So what a
 * crash leaves half done is named by nobody and goes when the store is opened.
 *
 * The names are short so that 128 of them fit into one page of mount data.
 */
export class LayerStore {
  readonly root: string
  readonly #trash: Trash
  readonly limits: UnpackLimits
  readonly #layers = new Map<string, Layer>()
  readonly #volatile = new Set<string>()
  /** Gives the archive that a layer was made of, too. */
  readonly #work = new SharedWork<{ layer: Layer; blob?: string }, number>()
  readonly #unpacker = new Unpacker()
  /** Archives that are here before it is known of what layers they are. */
  readonly ahead = new UnpackAhead({
    makeDirectory: () => this.#makeTemporary(),
    unpack: (directory, blob, signal) => this.#unpackInto(directory, blob, () => undefined, signal),
    discard: (directory) => this.#trash.throwAway(directory),
  })

  private constructor(root: string, trash: Trash, limits: UnpackLimits) {
    this.root = root
    this.#trash = trash
    this.limits = limits
  }

  /**
   * Opens the store and clears away what no document names.
   *
   * @param options.referenced layers that documents on disk name
   * @param options.keepUnknown clear away only what was being made: a document that cannot be read now may name the rest
   */
  static async open(options: {
    root: string
    trash: Trash
    limits: UnpackLimits
    referenced: Iterable<Layer>
    keepUnknown?: boolean
  }): Promise<LayerStore> {
    const store = new LayerStore(options.root, options.trash, options.limits)
    await fs.mkdir(path.join(options.root, EMPTY, 'fs'), { recursive: true, mode: 0o755 })
    await fs.chmod(options.root, 0o700)
    // else ext4 puts a new layer's files where those of a removed one were. Without a journal it does not take their inodes
    // for minutes, but looks at each of them for each file that it makes: twenty times what making it takes.
    // @see linux fs/ext4/ialloc.c, find_inode_bit()
    setTopDirectory(options.root)
    const found = new Set(await fs.readdir(options.root))
    found.delete(EMPTY)
    for (const layer of options.referenced) {
      const name = directoryOf(layer.chainId)
      if (!found.has(name) && !store.#layers.has(layer.chainId)) continue
      store.#layers.set(layer.chainId, layer)
      found.delete(name)
    }
    for (const name of found)
      if (options.keepUnknown !== true || name.startsWith('tmp-'))
        options.trash.throwAway(path.join(options.root, name))
    return store
  }

  get(chainId: string): Layer | undefined {
    return this.#layers.get(chainId)
  }

  all(): Layer[] {
    return [...this.#layers.values()]
  }

  /** The layer's tree relative to `root`. */
  nameOf(chainId: string): string {
    return `${directoryOf(chainId)}/fs`
  }

  /** @throws SYSTEM naming the layer, the image and what to do when somebody has removed one from the disk */
  requireTrees(imageId: string, layers: readonly Pick<Layer, 'chainId'>[]): void {
    for (const { chainId } of layers) {
      if (hasTree(path.join(this.root, this.nameOf(chainId)))) continue
      throw new EngineError(
        'SYSTEM',
        `layer ${chainId} of image ${imageId} is missing on disk: start the engine again and pull the image again`,
      )
    }
  }

  /**
   * Unpacks a layer unless it is there; who asks for one that is being unpacked waits for that. Then it is made sure that
   * the archive holds the layer all the same: a push or a save would send it on as that.
   *
   * @throws INVALID_PARAMETER when the archive holds something else
   */
  async add(
    source: LayerSource,
    onRead: (bytes: number) => void,
    signal?: AbortSignal,
  ): Promise<Layer> {
    const there = this.#layers.get(source.chainId)
    const { blob, layer } = there
      ? { layer: there }
      : await this.#work.run(
          source.chainId,
          async (workSignal, report) => ({
            layer: await this.#unpack(source, report, workSignal),
            blob: source.blob,
          }),
          onRead,
          signal,
        )
    if (blob !== source.blob && source.isKnown !== true)
      await this.#checkArchive(source, onRead, signal)
    return layer
  }

  /**
   * Unpacks an archive whose digest is not known beforehand as a layer below all others.
   *
   * @param beforeAdding told the layer's name while it can still be leased in time
   */
  async addBase(
    blob: string,
    onRead: (bytes: number) => void,
    signal: AbortSignal | undefined,
    beforeAdding: (chainId: string) => void,
  ): Promise<Layer> {
    const temporary = await this.#makeTemporary()
    try {
      const { diffId, sizeBytes } = await this.#unpackInto(temporary, blob, onRead, signal)
      beforeAdding(diffId)
      return await this.#installOnce(temporary, { chainId: diffId, diffId, sizeBytes })
    } finally {
      // unless it was installed
      this.#trash.throwAway(temporary)
    }
  }

  /**
   * Takes in a layer whose tree is made by somebody else.
   *
   * @param below chain IDs of the layers below, topmost first
   * @param make fills an empty directory, and tells what it made; undefined when that is nothing to keep
   */
  async addMade(
    below: string[],
    make: (
      directory: string,
    ) => Promise<{ layer: Layer; implicitDirectories: string[] } | undefined>,
  ): Promise<Layer | undefined> {
    const temporary = await this.#makeTemporary()
    try {
      const tree = path.join(temporary, 'fs')
      const made = await make(tree)
      if (!made) return undefined
      adoptDirectories(tree, made.implicitDirectories, this.#treesOf(below))
      return await this.#installOnce(temporary, made.layer)
    } finally {
      // unless it was installed
      this.#trash.throwAway(temporary)
    }
  }

  /**
   * Makes layers survive a power cut: to be called before a document names them. Their trees have too many files to sync
   * each (a thousand take seconds, all at once some hundredth), so the whole file system is; what others write to it is
   * waited for, too, so not without need.
   *
   * @returns whether the file system was synced
   */
  async makeDurable(chainIds: Iterable<string>): Promise<boolean> {
    const unsynced = [...chainIds].filter((chainId) => this.#volatile.has(chainId))
    if (unsynced.length === 0) return false
    await syncFs(this.root)
    for (const chainId of unsynced) this.#volatile.delete(chainId)
    return true
  }

  /** Whether a power cut would leave it whole. */
  isDurable(chainId: string): boolean {
    return this.#layers.has(chainId) && !this.#volatile.has(chainId)
  }

  /** Takes a layer out; nothing may use it any more. */
  remove(chainId: string): void {
    this.#layers.delete(chainId)
    this.#volatile.delete(chainId)
    this.#trash.throwAway(path.join(this.root, directoryOf(chainId)))
  }

  async close(): Promise<void> {
    await this.ahead.close()
    await this.#unpacker.close()
  }

  async #unpack(
    source: LayerSource,
    report: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<Layer> {
    const ahead = await this.ahead.take(source.blob, signal)
    const temporary = ahead?.directory ?? (await this.#makeTemporary())
    try {
      const unpacked =
        ahead?.unpacked ?? (await this.#unpackInto(temporary, source.blob, report, signal))
      checkDiffId(source, unpacked.diffId)
      await source.belowReady
      adoptDirectories(
        path.join(temporary, 'fs'),
        unpacked.implicitDirectories,
        this.#treesOf(source.below),
      )
      signal.throwIfAborted()
      const { chainId, diffId } = source
      return await this.#install(temporary, { chainId, diffId, sizeBytes: unpacked.sizeBytes })
    } catch (error) {
      this.#trash.throwAway(temporary)
      throw error
    }
  }

  #treesOf(chainIds: string[]): string[] {
    return chainIds.map((chainId) => path.join(this.root, this.nameOf(chainId)))
  }

  async #makeTemporary(): Promise<string> {
    const temporary = path.join(this.root, `tmp-${randomBytes(8).toString('hex')}`)
    await fs.mkdir(path.join(temporary, 'fs'), { recursive: true })
    await fs.chmod(path.join(temporary, 'fs'), 0o755)
    return temporary
  }

  async #unpackInto(
    temporary: string,
    blob: string,
    report: (bytes: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<Unpacked> {
    const job = { blob, directory: path.join(temporary, 'fs'), limits: this.limits }
    return await this.#unpacker.unpack(job, report, signal)
  }

  async #checkArchive(
    source: LayerSource,
    report: (bytes: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const job = { blob: source.blob, limits: this.limits }
    const ahead = await this.ahead.take(source.blob, signal)
    if (ahead) this.#trash.throwAway(ahead.directory)
    const { diffId } = ahead?.unpacked ?? (await this.#unpacker.unpack(job, report, signal))
    checkDiffId(source, diffId)
  }

  /** Unless others have made it meanwhile. */
  async #installOnce(temporary: string, layer: Layer): Promise<Layer> {
    const installed = await this.#work.run(
      layer.chainId,
      async () => ({
        layer: this.#layers.get(layer.chainId) ?? (await this.#install(temporary, layer)),
      }),
      () => undefined,
      undefined,
    )
    return installed.layer
  }

  /** Puts an unpacked layer in its place. */
  async #install(temporary: string, layer: Layer): Promise<Layer> {
    for (const known of this.#layers.keys()) {
      // 96 bits of SHA-256; but should it happen, nobody gets another's files
      if (directoryOf(known) === directoryOf(layer.chainId)) {
        throw new EngineError(
          'SYSTEM',
          `layers ${known} and ${layer.chainId} have the same short name`,
        )
      }
    }
    const final = path.join(this.root, directoryOf(layer.chainId))
    // from a crash before, unless it was cleared away
    this.#trash.throwAway(final)
    await fs.rename(temporary, final)
    this.#layers.set(layer.chainId, layer)
    this.#volatile.add(layer.chainId)
    return layer
  }
}

/** The layer below images that have none. */
const EMPTY = 'empty'
export const EMPTY_LAYER = `${EMPTY}/fs`

function checkDiffId({ diffId }: LayerSource, found: string): void {
  if (found === diffId) return
  throw new InvalidParameterError(
    `layers from manifest don't match image configuration: expected ${diffId}, got ${found}`,
  )
}

function directoryOf(chainId: string): string {
  return hexOf(chainId).slice(0, 24)
}

/** @returns false when the tree has gone, by somebody's hand */
function hasTree(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false
}
