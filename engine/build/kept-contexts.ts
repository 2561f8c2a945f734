import { createHash } from 'node:crypto'
import { readFileSync, renameSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { callerKey } from '../caller.ts'
import type { BuildCacheRecord } from '../contract/builds.ts'
import { runSteps } from '../native/steps.ts'
import type { Step } from '../native/steps.ts'
import { readDocument } from '../store/documents.ts'
import type { Trash } from '../store/trash.ts'
import type { ContextPaths } from './context-paths.ts'

const documentSchema = z.object({
  /** What the client calls the directory. */
  name: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string(),
  usageCount: z.number(),
  sizeBytes: z.number(),
  /** What was asked for in the end. */
  paths: z.union([z.array(z.string()), z.literal('all')]),
  /** Another one each time that something in it changed. */
  state: z.string(),
  /** What was written in another boot may not be on the disk. */
  boot: z.string(),
})
type Document = z.infer<typeof documentSchema>

/** Files of a client's directory, as far as they are here, by their names: what they were when they came. */
export type Entries = ReadonlyMap<string, string>

export interface KeptContext extends Omit<Document, 'boot' | 'lastUsedAt'> {
  entries: Entries
}

const MOST_KEPT = 8
const MOST_BYTES = 2 * 2 ** 30
const MOST_AGE_MS = 48 * 3600_000

/**
 * What came of clients' directories, for their next builds:
 *
 *     <data>/build-cache/contexts/<24 hex>/{files/,entries,context.json}
 *
 * A build takes one out whole, by a rename, and puts it back so: one that is cut short is gone with its build's directory.
 * They are few, and go when they have not been used for two days.
 */
export class KeptContexts {
  readonly #root: string
  readonly #documents: Map<string, Document>
  readonly #boot: string
  /** Found when it was opened, and of no use: until there is a trash for it. */
  #leftOver: string[]
  #trash: Trash | undefined

  private constructor(
    root: string,
    documents: Map<string, Document>,
    leftOver: string[],
    boot: string,
  ) {
    this.#root = root
    this.#documents = documents
    this.#leftOver = leftOver
    this.#boot = boot
  }

  static async open(dataRoot: string): Promise<KeptContexts> {
    const root = path.join(dataRoot, 'build-cache', 'contexts')
    await fs.mkdir(root, { recursive: true, mode: 0o700 })
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const documents = new Map<string, Document>()
    const leftOver: string[] = []
    for (const name of await fs.readdir(root)) {
      const file = path.join(root, name, 'context.json')
      const document = await readDocument(file, documentSchema).catch(() => undefined)
      if (document?.boot === boot) documents.set(name, document)
      else leftOver.push(path.join(root, name))
    }
    return new KeptContexts(root, documents, leftOver, boot)
  }

  /** Where removed ones go. To be called before any is taken. */
  useTrash(trash: Trash): void {
    this.#trash = trash
    for (const directory of this.#leftOver.splice(0)) trash.throwAway(directory)
    this.#tidy()
  }

  /**
   * What a directory is kept as: for who asks now, and for builds that need the same of it. Else somebody could have files
   * of others that he can only describe.
   */
  idOf(name: string, paths: ContextPaths): string {
    const of = JSON.stringify([callerKey(), name, paths === 'all' ? paths : [...paths].sort()])
    return createHash('sha256').update(of).digest('hex').slice(0, 24)
  }

  /** Moves one to a place where nothing is; its files are in `files`. */
  async take(id: string, home: string): Promise<KeptContext | undefined> {
    const document = this.#documents.get(id)
    if (!document) return undefined
    this.#documents.delete(id)
    try {
      renameSync(path.join(this.#root, id), home)
      const entries = parseEntries(await fs.readFile(path.join(home, 'entries'), 'utf8'))
      return { ...document, entries }
    } catch {
      // it can be had again
      this.#trash?.throwAway(home)
      return undefined
    }
  }

  /** Keeps what is in `home/files`; with the same ID, the last one stays. Without entries they are as it was taken. */
  async put(
    id: string,
    home: string,
    kept: Omit<KeptContext, 'entries'> & { entries: Entries | undefined },
  ): Promise<void> {
    const { entries, usageCount, ...same } = kept
    const document: Document = {
      ...same,
      lastUsedAt: new Date().toISOString(),
      usageCount: usageCount + 1,
      boot: this.#boot,
    }
    const file = (name: string, data: string): Step => ({
      do: 'write',
      path: path.join(home, name),
      data,
      mode: 0o600,
      replaces: true,
    })
    await runSteps([
      ...(entries ? [file('entries', entriesText(entries))] : []),
      file('context.json', JSON.stringify(document)),
    ])
    const place = path.join(this.#root, id)
    this.remove(id)
    renameSync(home, place)
    this.#documents.set(id, document)
    this.#tidy()
  }

  records(): BuildCacheRecord[] {
    return [...this.#documents].map(([id, document]) => ({
      ID: id,
      Parents: null,
      Type: 'source.local' as const,
      Description: `local source for ${document.name}`,
      InUse: false,
      Shared: false,
      Size: document.sizeBytes,
      CreatedAt: document.createdAt,
      LastUsedAt: document.lastUsedAt,
      UsageCount: document.usageCount,
    }))
  }

  /** @returns false when it is not here, as while a build has it */
  remove(id: string): boolean {
    if (!this.#documents.delete(id)) return false
    this.#trash?.throwAway(path.join(this.#root, id))
    return true
  }

  #tidy(): void {
    const newestFirst = [...this.#documents].sort(([, a], [, b]) =>
      a.lastUsedAt < b.lastUsedAt ? 1 : -1,
    )
    let bytes = 0
    for (const [index, [id, { lastUsedAt, sizeBytes }]] of newestFirst.entries()) {
      bytes += sizeBytes
      const isOld = Date.now() - Date.parse(lastUsedAt) > MOST_AGE_MS
      const isMuch = index >= MOST_KEPT || (index > 0 && bytes > MOST_BYTES)
      if (isOld || isMuch) this.remove(id)
    }
  }
}

/** Neither names nor the words for what they were have zeros. */
function entriesText(entries: Entries): string {
  return [...entries].flat().join('\0')
}

function parseEntries(text: string): Entries {
  const parts = text === '' ? [] : text.split('\0')
  const entries = new Map<string, string>()
  for (let at = 0; at + 1 < parts.length; at += 2) entries.set(parts[at] ?? '', parts[at + 1] ?? '')
  return entries
}
