import { createHash, randomBytes } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { renameSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { EngineError, NotFoundError } from '../errors.ts'
import {
  algorithmOf,
  digestOf,
  digestOfHex,
  hasDigest,
  hexOf,
  isDigest,
  pathOfDigest,
} from '../oci/digest.ts'
import type { Algorithm, Digest, Sha256 } from '../oci/digest.ts'
import { BatchWriter } from './batch-writer.ts'
import { isMissing } from './documents.ts'
import { hashFile } from './hash-file.ts'

/** Half a download that nobody came back for is kept this long. */
const PARTIAL_MAX_AGE_MS = 7 * 24 * 3600 * 1000
const ALGORITHMS = ['sha256', 'sha512'] as const

/**
 * Content by digest: compressed layers as they came, configs, manifests.
 *
 *     <root>/sha256/<hex>     whole and verified; sha512 beside
 *     <root>/partial/<hex>    the first bytes of one, or all of it but not verified
 *     <root>/partial/t-…      of unknown digest
 *
 * A blob counts as verified only while something refers to it: what `open` finds that nobody names becomes a partial
 * one again, because a power cut may have taken its last bytes. Content so found is hashed before it is used.
 */
export class BlobStore {
  readonly #root: string
  readonly #known = new Set<string>()
  /** Those whose bytes may not have come to the disk. */
  readonly #volatile = new Set<string>()

  private constructor(root: string) {
    this.#root = root
  }

  /**
   * @param referenced digests that documents on disk name
   * @param options.keepUnknown leave what none names where it is: a document that cannot be read now may name it
   */
  static async open(
    root: string,
    referenced: ReadonlySet<string>,
    options: { keepUnknown?: boolean } = {},
  ): Promise<BlobStore> {
    const store = new BlobStore(root)
    await fs.mkdir(path.join(root, 'partial'), { recursive: true, mode: 0o700 })
    for (const algorithm of ALGORITHMS) {
      const directory = path.join(root, algorithm)
      await fs.mkdir(directory, { recursive: true, mode: 0o700 })
      for (const name of await fs.readdir(directory)) {
        const digest = `${algorithm}:${name}`
        const file = path.join(directory, name)
        if (!isDigest(digest)) await fs.rm(file, { force: true, recursive: true })
        else if (referenced.has(digest)) store.#known.add(digest)
        else if (options.keepUnknown !== true)
          await fs.rename(file, path.join(root, 'partial', name))
      }
    }
    for (const name of await fs.readdir(path.join(root, 'partial'))) {
      const file = path.join(root, 'partial', name)
      const isOld = (await fs.stat(file)).mtimeMs < Date.now() - PARTIAL_MAX_AGE_MS
      if (isOld || digestOfHex(name) === undefined)
        await fs.rm(file, { force: true, recursive: true })
    }
    return store
  }

  has(digest: string): boolean {
    return this.#known.has(digest)
  }

  all(): string[] {
    return [...this.#known]
  }

  pathOf(digest: string): string {
    return path.join(this.#root, pathOfDigest(digest))
  }

  /**
   * A small blob's content.
   *
   * @throws NOT_FOUND, or SYSTEM when its bytes are not what they were
   */
  async read(digest: string): Promise<Buffer> {
    let content: Buffer
    try {
      content = await fs.readFile(this.pathOf(digest))
    } catch (error) {
      if (isMissing(error))
        throw new NotFoundError(`blob ${digest} is not in the store`, { cause: error })
      throw error
    }
    if (!hasDigest(content, digest))
      throw new EngineError('SYSTEM', `blob ${digest} is damaged on disk`)
    return content
  }

  /** Puts a small blob in. */
  async write(content: Buffer): Promise<Sha256>
  async write(content: Buffer, algorithm: Algorithm): Promise<Digest>
  async write(content: Buffer, algorithm: Algorithm = 'sha256'): Promise<Digest> {
    const digest = digestOf(content, algorithm)
    if (this.#known.has(digest)) return digest
    const file = this.temporary()
    try {
      await fs.writeFile(file, content, { mode: 0o600, flag: 'wx' })
      await this.adopt(file, digest)
    } catch (error) {
      // half of it would be found by the next engine only
      await this.discard(file)
      throw error
    }
    return digest
  }

  /** Where content of unknown digest can be gathered; the caller adopts or removes it. */
  temporary(): string {
    return path.join(this.#root, 'partial', `t-${randomBytes(8).toString('hex')}`)
  }

  /** Removes a temporary file; fine when it has become a blob. */
  async discard(file: string): Promise<void> {
    await fs.rm(file, { force: true })
  }

  /** Makes a complete file, whose digest was verified, a blob. */
  async adopt(file: string, digest: string): Promise<void> {
    await fs.rename(file, this.pathOf(digest))
    this.#known.add(digest)
    this.#volatile.add(digest)
    // what an interrupted download had of it
    await fs.rm(path.join(this.#root, 'partial', hexOf(digest)), { force: true })
  }

  /** Those that a power cut may still take. */
  unsynced(): string[] {
    return [...this.#volatile]
  }

  /** The file system was synced after these had been told as unsynced. */
  cameToDisk(digests: Iterable<string>): void {
    for (const digest of digests) this.#volatile.delete(digest)
  }

  /** Makes blobs survive a power cut, as far as they are there: to be called before a document names them. */
  async makeDurable(digests: Iterable<string>): Promise<void> {
    for (const digest of digests) {
      if (!this.#volatile.has(digest)) continue
      const handle = await fs.open(this.pathOf(digest))
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
      this.#volatile.delete(digest)
    }
  }

  /** The file that a download of this digest goes on with, and what is known of its start. */
  async openPartial(digest: string): Promise<PartialBlob> {
    const file = path.join(this.#root, 'partial', hexOf(digest))
    const handle = await fs.open(file, 'a+', 0o600)
    try {
      const { hash, size } = await hashFile(handle, algorithmOf(digest))
      return new PartialBlob(this, handle, file, digest, hash, size)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Fine when it is not there. It is out of use when this returns, so another can be put in its place. */
  async remove(digest: string): Promise<void> {
    this.#known.delete(digest)
    this.#volatile.delete(digest)
    const file = this.temporary()
    try {
      renameSync(this.pathOf(digest), file)
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    await fs.rm(file, { force: true })
  }
}

/** A blob on its way in. Close it, or it stays to be resumed. */
export class PartialBlob {
  readonly #store: BlobStore
  readonly #handle: fs.FileHandle
  readonly #file: string
  readonly #digest: string
  #hash: Hash
  #size: number
  #writer: BatchWriter

  constructor(
    store: BlobStore,
    handle: fs.FileHandle,
    file: string,
    digest: string,
    hash: Hash,
    size: number,
  ) {
    this.#store = store
    this.#handle = handle
    this.#file = file
    this.#digest = digest
    this.#hash = hash
    this.#size = size
    this.#writer = new BatchWriter(handle, size)
  }

  /** Bytes there are. */
  get size(): number {
    return this.#size
  }

  /** Resolves when more may come; that a write failed is told by a later call. @param isOurs as of BatchWriter.add */
  async append(chunk: Buffer, isOurs = false): Promise<void> {
    const written = this.#writer.add(chunk, isOurs)
    // meanwhile a thread writes
    this.#hash.update(chunk)
    this.#size += chunk.length
    await written
  }

  /** Begins anew. */
  async reset(): Promise<void> {
    await this.#writer.end()
    await this.#handle.truncate(0)
    this.#writer = new BatchWriter(this.#handle, 0)
    this.#hash = createHash(algorithmOf(this.#digest))
    this.#size = 0
  }

  /**
   * Makes it a blob when its content is right; else drops what was gathered.
   *
   * @returns false when the digest is another
   */
  async commit(): Promise<boolean> {
    await this.#writer.end()
    if (this.#hash.copy().digest('hex') !== hexOf(this.#digest)) {
      await this.reset()
      return false
    }
    await this.#handle.close()
    // a load may have brought it meanwhile, and have taken this away
    if (this.#store.has(this.#digest)) await fs.rm(this.#file, { force: true })
    else await this.#store.adopt(this.#file, this.#digest)
    return true
  }

  /** Lets go of the file, leaving it for later. */
  async close(): Promise<void> {
    await this.#writer.end().catch(() => {
      // a write failed: what came before it stays
    })
    await this.#handle.close().catch(() => {
      // committed: it is closed already
    })
    if (this.#size === 0) await fs.rm(this.#file, { force: true })
  }
}
