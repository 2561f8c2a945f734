import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { callerSchema } from '../caller.ts'
import { KeyLock } from '../key-lock.ts'
import { digestSchema } from '../oci/descriptor.ts'
import { digestOfHex, hexOf } from '../oci/digest.ts'
import {
  isMissing,
  readDocument,
  sweepTemporaryDocuments,
  writeDocument,
} from '../store/documents.ts'
import { directoryOf, nameOf } from './names.ts'

const manifestSchema = z.object({
  digest: digestSchema,
  mediaType: z.string(),
  size: z.int(),
  /** Config and layers. */
  blobs: z.array(digestSchema),
  /** Of an index. */
  manifests: z.array(digestSchema),
  /** What it is about: signatures and the like name the manifest they belong to. */
  subject: digestSchema.optional(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  /** RFC 3339. */
  pushedAt: z.string(),
  pushedBy: callerSchema,
  /** The engine's image that it became; null when it is none, absent while that is not settled. */
  image: digestSchema.nullable().optional(),
})

const tagSchema = z.object({
  tag: z.string(),
  digest: digestSchema,
  pushedAt: z.string(),
  pushedBy: callerSchema,
  /** The engine's image may not have the tag's names yet. */
  unsettled: z.literal(true).optional(),
})

const documentSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  /** Hosts by which it was pushed to: its images have their names there. */
  domains: z.array(z.string()),
  manifests: z.array(manifestSchema),
  tags: z.array(tagSchema),
})

export type ManifestRecord = z.infer<typeof manifestSchema>
export type TagRecord = z.infer<typeof tagSchema>

/** Who was told that a blob or manifest is here may push what names it for so long, whoever lets go of it meanwhile. */
const ASKED_MS = 10 * 60_000

/** In milliseconds. */
interface BlobUse {
  /** When it was last uploaded or mounted. */
  putAt: number
  /** When somebody who is about to push was last told that it is here. */
  askedAt: number
}

/** What a repository names. Maps are by digest and by tag. */
export interface RepositoryState {
  domains: Set<string>
  manifests: Map<string, ManifestRecord>
  tags: Map<string, TagRecord>
}

/**
 * A repository of the registry.
 *
 *     <root>/<name, ~ for />/repository.json   its manifests and tags
 *                           /blobs/<hex>       an empty file for each blob that was uploaded to it or mounted in it
 *
 * A blob's file is there only once all its bytes are on the disk, a manifest is named only once it is. Manifests name
 * only blobs and manifests that are here. A blob that was let go of, but that somebody was told of before, is gone to all
 * who ask, and kept back for a while for a manifest that names it all the same.
 */
export class Repository {
  readonly name: string
  /** By tag: the engine's images get and lose its names by one piece of work at a time, each of what the tag names then. */
  readonly naming = new KeyLock()
  readonly #directory: string
  readonly #changed: () => void
  #state: RepositoryState = { domains: new Set(), manifests: new Map(), tags: new Map() }
  readonly #blobs = new Map<string, BlobUse>()
  /** Blobs that are kept back, to the time until which, in milliseconds. */
  readonly #keptBack = new Map<string, number>()
  /** Manifests to when somebody who is about to push was last told of them, the latest at the end. */
  readonly #asked = new Map<string, number>()
  #tail: Promise<unknown> = Promise.resolve()

  /** @param changed told when it names other content than before */
  constructor(root: string, name: string, changed: () => void) {
    this.name = name
    this.#directory = path.join(root, directoryOf(name))
    this.#changed = changed
  }

  get state(): Readonly<RepositoryState> {
    return this.#state
  }

  get blobs(): ReadonlyMap<string, Readonly<BlobUse>> {
    return this.#blobs
  }

  /** Digests of blobs that only a manifest can name. */
  get keptBack(): ReadonlyMap<string, unknown> {
    return this.#keptBack
  }

  get isEmpty(): boolean {
    return this.#blobs.size === 0 && this.#state.manifests.size === 0
  }

  /** Reads what is on disk. One whose document cannot be read loses its manifests, not its blobs. */
  async load(warn: (message: string, error?: unknown) => void): Promise<void> {
    const links = path.join(this.#directory, 'blobs')
    await fs.mkdir(links, { recursive: true, mode: 0o700 })
    await sweepTemporaryDocuments(this.#directory)
    for (const hex of await fs.readdir(links)) {
      const digest = digestOfHex(hex)
      if (digest !== undefined)
        this.#blobs.set(digest, {
          putAt: Math.floor((await fs.stat(path.join(links, hex))).mtimeMs),
          askedAt: 0,
        })
    }
    const file = this.#file
    try {
      const document = await readDocument(file, documentSchema)
      if (!document) return
      this.#state = {
        domains: new Set(document.domains),
        manifests: new Map(document.manifests.map((each) => [each.digest, each])),
        tags: new Map(document.tags.map((each) => [each.tag, each])),
      }
    } catch (error) {
      await fs.rename(file, `${file}.damaged`)
      warn(
        `the manifests and tags of the registry's ${this.name} are lost: mend ${file}.damaged, put it back in place and start again, or push them again`,
        error,
      )
    }
  }

  /**
   * Changes what it names, on disk before in memory; one change at a time.
   *
   * @param options.sync false: a power cut may take the change back
   */
  async change<T>(
    work: (state: RepositoryState) => T,
    options: { sync?: boolean } = {},
  ): Promise<T> {
    return await this.#exclusively(async () => {
      const { domains, manifests, tags } = this.#state
      const next = {
        domains: new Set(domains),
        manifests: new Map(manifests),
        tags: new Map(tags),
      }
      const result = work(next)
      await fs.mkdir(path.join(this.#directory, 'blobs'), { recursive: true, mode: 0o700 })
      const document = {
        version: 1,
        name: this.name,
        domains: [...next.domains],
        manifests: [...next.manifests.values()],
        tags: [...next.tags.values()],
      }
      await writeDocument(this.#file, document, options)
      this.#state = next
      this.#changed()
      return result
    })
  }

  /** Takes in a blob of the store. */
  async link(digest: string): Promise<void> {
    await this.#exclusively(async () => {
      const file = this.#linkOf(digest)
      await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
      // it may be there, and older
      const handle = await fs.open(file, 'a', 0o600)
      const now = new Date()
      try {
        await handle.utimes(now, now)
      } finally {
        await handle.close()
      }
      this.#put(digest, now.getTime())
    })
  }

  /** Takes back what is kept back of these; for a change that makes a manifest name them. */
  takeBack(digests: Iterable<string>): void {
    for (const digest of digests) if (this.#keptBack.has(digest)) this.#put(digest, Date.now())
  }

  /** Somebody relies on the blob's being here: who pushes an image leaves out what there is. */
  touch(digest: string): void {
    const use = this.#blobs.get(digest)
    if (use) use.askedAt = Date.now()
  }

  /** As touch, of a manifest that an index may name. */
  touchManifest(digest: string): void {
    for (const [each, at] of this.#asked) {
      if (at + ASKED_MS > Date.now()) break
      this.#asked.delete(each)
    }
    this.#asked.delete(digest)
    this.#asked.set(digest, Date.now())
  }

  /** Whether an index that names the manifest may be on its way. */
  isAwaited(digest: string): boolean {
    return (this.#asked.get(digest) ?? 0) + ASKED_MS > Date.now()
  }

  /**
   * Removes a blob.
   *
   * @param isAllowed asked once nothing else changes
   */
  async unlink(digest: string, isAllowed: () => boolean): Promise<boolean> {
    return await this.#exclusively(async () => {
      if (!isAllowed()) return false
      this.#blobs.delete(digest)
      this.#changed()
      await fs.rm(this.#linkOf(digest), { force: true })
      return true
    })
  }

  /** Lets go of a blob that no manifest needs any more: it is kept back from who was not told of it lately. */
  async letGo(digest: string, isAllowed: () => boolean): Promise<void> {
    const until = (this.#blobs.get(digest)?.askedAt ?? 0) + ASKED_MS
    if (until <= Date.now()) {
      await this.unlink(digest, isAllowed)
      return
    }
    await this.#exclusively(async () => {
      if (!isAllowed()) return
      this.#blobs.delete(digest)
      this.#keptBack.set(digest, until)
      this.#changed()
      // to the next engine it is one that nobody came for; where this fails, for a day only
      await fs.utimes(this.#linkOf(digest), 0, 0).catch(() => undefined)
    })
  }

  /** Removes blobs that were kept back long enough. */
  async forgetKeptBack(now = Date.now()): Promise<void> {
    for (const [digest, until] of this.#keptBack) {
      if (until > now) continue
      await this.#exclusively(async () => {
        // it may have been taken back
        if (!this.#keptBack.delete(digest)) return
        this.#changed()
        await fs.rm(this.#linkOf(digest), { force: true })
      })
    }
  }

  /** Removes the directory of one that is empty; nothing may be using it. */
  async clear(): Promise<void> {
    await fs.rm(this.#directory, { recursive: true, force: true })
  }

  #put(digest: string, putAt: number): void {
    this.#keptBack.delete(digest)
    this.#blobs.set(digest, { putAt, askedAt: this.#blobs.get(digest)?.askedAt ?? 0 })
    this.#changed()
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work, work)
    this.#tail = turn.catch(() => undefined)
    return await turn
  }

  get #file(): string {
    return path.join(this.#directory, 'repository.json')
  }

  #linkOf(digest: string): string {
    return path.join(this.#directory, 'blobs', hexOf(digest))
  }
}

/** Every repository on disk, by name; `changed` as for each of them. */
export async function loadRepositories(
  root: string,
  changed: () => void,
  warn: (message: string, error?: unknown) => void,
): Promise<Map<string, Repository>> {
  const found = new Map<string, Repository>()
  let entries: string[]
  try {
    entries = await fs.readdir(root)
  } catch (error) {
    if (isMissing(error)) return found
    throw error
  }
  for (const entry of entries) {
    const name = nameOf(entry)
    if (!(await fs.stat(path.join(root, entry))).isDirectory()) continue
    const repository = new Repository(root, name, changed)
    await repository.load(warn)
    if (repository.isEmpty) await repository.clear()
    else found.set(name, repository)
  }
  return found
}
