import { createHash, randomBytes } from 'node:crypto'
import { existsSync, renameSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { removeTree, treeSize } from '../native/trees.ts'
import type { BuildCacheRecord } from '../contract/builds.ts'
import type { Trash } from '../store/trash.ts'
import { readDocument, writeDocument } from '../store/documents.ts'
import { z } from 'zod'

const documentSchema = z.object({
  id: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string(),
  usageCount: z.number(),
})
type Document = z.infer<typeof documentSchema>

/** Of a directory with a document, all else is a killed engine's. */
const PARTS = new Set(['files', 'cache.json'])

/**
 * The directories of `RUN --mount=type=cache`:
 *
 *     <data>/build-cache/mounts/<24 hex of the ID>[-n]/{files,cache.json}
 *
 * `shared` is for all at a time, `locked` for one after the other, and `private` gets one of its own while others are used.
 */
export class CacheMounts {
  readonly #root: string
  readonly #documents = new Map<string, Document>()
  readonly #users = new Map<string, number>()
  readonly #locks = new Map<string, Promise<void>>()
  /** Found when it was opened, and no cache: until there is a trash for it. */
  #leftOver: string[] = []
  #trash: Trash | undefined

  private constructor(root: string) {
    this.#root = root
  }

  static async open(dataRoot: string): Promise<CacheMounts> {
    const root = path.join(dataRoot, 'build-cache', 'mounts')
    await fs.mkdir(root, { recursive: true, mode: 0o700 })
    const mounts = new CacheMounts(root)
    for (const name of await fs.readdir(root)) {
      const document = await readDocument(
        path.join(root, name, 'cache.json'),
        documentSchema,
      ).catch(() => undefined)
      if (document) {
        mounts.#documents.set(name, document)
        const others = (await fs.readdir(path.join(root, name))).filter((each) => !PARTS.has(each))
        mounts.#leftOver.push(...others.map((each) => path.join(root, name, each)))
      } else mounts.#leftOver.push(path.join(root, name))
    }
    return mounts
  }

  /** Where removed directories go, and what a killed engine left. To be called before any is taken. */
  useTrash(trash: Trash): void {
    this.#trash = trash
    for (const directory of this.#leftOver.splice(0)) trash.throwAway(directory)
  }

  /**
   * The directory of an ID, made when there is none.
   *
   * @param fill called with a new directory
   * @returns its path, and what gives it back
   */
  async take(
    id: string,
    sharing: 'shared' | 'private' | 'locked',
    fill: (directory: string) => Promise<void>,
    signal: AbortSignal,
  ): Promise<{ directory: string; release: () => void }> {
    const base = createHash('sha256').update(id).digest('hex').slice(0, 24)
    const unlock = sharing === 'locked' ? await this.#lock(base, signal) : (): void => undefined
    try {
      const name = sharing === 'private' ? this.#freeName(base) : base
      this.#users.set(name, (this.#users.get(name) ?? 0) + 1)
      const directory = path.join(this.#root, name, 'files')
      let isGiven = false
      const release = (): void => {
        if (isGiven) return
        isGiven = true
        const left = (this.#users.get(name) ?? 1) - 1
        if (left === 0) this.#users.delete(name)
        else this.#users.set(name, left)
        unlock()
      }
      try {
        await this.#prepare(name, id, directory, fill)
      } catch (error) {
        release()
        throw error
      }
      return { directory, release }
    } catch (error) {
      unlock()
      throw error
    }
  }

  /** Has an ID begin anew, but for what of it is in use. */
  forget(id: string): void {
    for (const [name, document] of this.#documents) if (document.id === id) this.remove(name)
  }

  async records(): Promise<BuildCacheRecord[]> {
    return await Promise.all(
      [...this.#documents].map(async ([name, document]) => ({
        ID: name,
        Parents: null,
        Type: 'exec.cachemount' as const,
        Description: `cached mount ${document.id}`,
        InUse: this.#users.has(name),
        Shared: false,
        Size: await treeSize(path.join(this.#root, name, 'files')),
        CreatedAt: document.createdAt,
        LastUsedAt: document.lastUsedAt,
        UsageCount: document.usageCount,
      })),
    )
  }

  /** @returns false when it is in use */
  remove(name: string): boolean {
    if (this.#users.has(name)) return false
    this.#documents.delete(name)
    this.#trash?.throwAway(path.join(this.#root, name))
    return true
  }

  async #prepare(
    name: string,
    id: string,
    directory: string,
    fill: (directory: string) => Promise<void>,
  ): Promise<void> {
    const now = new Date().toISOString()
    const known = this.#documents.get(name)
    if (!known) {
      const half = `${directory}.${randomBytes(4).toString('hex')}`
      try {
        await fs.mkdir(half, { recursive: true })
        await fill(half)
        // two may be at it: the first one's stays, also an empty one, which a rename would replace
        if (!existsSync(directory)) renameSync(half, directory)
      } finally {
        await removeTree(half)
      }
    }
    const document: Document = {
      id,
      createdAt: known?.createdAt ?? now,
      lastUsedAt: now,
      usageCount: (known?.usageCount ?? 0) + 1,
    }
    await writeDocument(path.join(this.#root, name, 'cache.json'), document, { sync: false })
    this.#documents.set(name, document)
  }

  #freeName(base: string): string {
    for (let number = 0; ; number++) {
      const name = number === 0 ? base : `${base}-${String(number)}`
      if (!this.#users.has(name)) return name
    }
  }

  async #lock(name: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#locks.get(name) ?? Promise.resolve()
    let unlock: () => void = () => undefined
    const mine = new Promise<void>((resolve) => {
      unlock = resolve
    })
    this.#locks.set(
      name,
      before.then(() => mine),
    )
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (signal.aborted) resolve()
    })
    await Promise.race([before, aborted])
    if (signal.aborted) {
      unlock()
      signal.throwIfAborted()
    }
    return unlock
  }
}
