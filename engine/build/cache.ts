import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { sha256Schema, descriptorSchema } from '../oci/descriptor.ts'
import type { ImageLayer } from '../images/image.ts'
import { readDocument, sweepTemporaryDocuments, writeDocument } from '../store/documents.ts'

const recordSchema = z.object({
  version: z.literal(1),
  /** What it is found by. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** The key without the content of what is copied: tells that reading it may be worth while. */
  prefix: z.string().optional(),
  /** The record that it stands upon. */
  parent: z.string().optional(),
  /** What the step wrote; null when that was nothing. */
  layer: z
    .object({
      chainId: sha256Schema,
      diffId: sha256Schema,
      sizeBytes: z.number(),
      blob: descriptorSchema,
    })
    .nullable(),
  description: z.string(),
  createdAt: z.string(),
  lastUsedAt: z.string(),
  usageCount: z.number(),
  /** The boot since which its layer may not be on the disk yet; null when it is. */
  boot: z.string().nullable(),
})

export type CacheRecord = z.infer<typeof recordSchema>

/**
 * What steps of builds led to, by all that they depend on:
 *
 *     <data>/build-cache/<64 hex>.json   a record each
 *
 * A record keeps its layer from being collected. It is written at once, so that a killed engine has it, and believed after
 * a power cut only when its layer had been synced (`settle`).
 */
export class BuildCache {
  readonly #directory: string
  readonly #records: Map<string, CacheRecord>
  readonly #prefixes = new Set<string>()
  readonly #boot: string
  /** Records that builds under way need, with how many do. */
  readonly #used = new Map<string, number>()
  /** Those of which it is not written down yet when they were last used. */
  readonly #touched = new Set<string>()
  #noteUse: NodeJS.Timeout | undefined
  /** Content that was read before, by what it was read from. */
  readonly #digests = new Map<string, string>()

  private constructor(directory: string, records: CacheRecord[], boot: string) {
    this.#directory = directory
    this.#boot = boot
    this.#records = new Map(records.map((record) => [record.key, record]))
    for (const { prefix } of records) if (prefix !== undefined) this.#prefixes.add(prefix)
  }

  static async open(dataRoot: string): Promise<BuildCache> {
    const directory = path.join(dataRoot, 'build-cache')
    await fs.mkdir(directory, { recursive: true, mode: 0o700 })
    await sweepTemporaryDocuments(directory)
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const names = (await fs.readdir(directory)).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
    const records = await Promise.all(
      names.map(async (name) => {
        const file = path.join(directory, name)
        // one that cannot be read is as good as none: the step runs again
        const record = await readDocument(file, recordSchema).catch(() => undefined)
        if (record && (record.boot === null || record.boot === boot)) return record
        await fs.rm(file, { force: true })
        return undefined
      }),
    )
    return new BuildCache(
      directory,
      records.filter((record) => record !== undefined),
      boot,
    )
  }

  /** Layers that records name. */
  *layers(): Generator<ImageLayer> {
    for (const { layer } of this.#records.values()) if (layer) yield layer
  }

  /** Forgets what the store has lost. */
  async check(isThere: (layer: ImageLayer) => boolean): Promise<void> {
    for (const record of this.#records.values())
      if (record.layer && !isThere(record.layer)) await this.remove(record.key)
  }

  get(key: string): CacheRecord | undefined {
    return this.#records.get(key)
  }

  all(): CacheRecord[] {
    return [...this.#records.values()]
  }

  mayHold(prefix: string): boolean {
    return this.#prefixes.has(prefix)
  }

  knownDigest(of: string): string | undefined {
    return this.#digests.get(of)
  }

  rememberDigest(of: string, digest: string): void {
    // the oldest goes; it is only read again
    if (this.#digests.size >= MOST_DIGESTS)
      this.#digests.delete(this.#digests.keys().next().value ?? '')
    this.#digests.set(of, digest)
  }

  /** Notes that a build was led on by a record. */
  touch(key: string): void {
    const record = this.#records.get(key)
    if (!record) return
    const lastUsedAt = new Date().toISOString()
    this.#records.set(key, { ...record, lastUsedAt, usageCount: record.usageCount + 1 })
    this.#touched.add(key)
  }

  async put(
    record: Pick<CacheRecord, 'key' | 'layer' | 'description' | 'createdAt'> & {
      prefix?: string | undefined
      parent?: string | undefined
    },
  ): Promise<void> {
    const full: CacheRecord = {
      version: 1,
      ...record,
      lastUsedAt: record.createdAt,
      usageCount: 1,
      boot: this.#boot,
    }
    this.#records.set(record.key, full)
    if (record.prefix !== undefined) this.#prefixes.add(record.prefix)
    await this.#write(full)
  }

  /**
   * Writes down what is durable now, and some seconds later, for many builds at once, when records were last used.
   *
   * @param failed told when the latter could not be written
   */
  async settle(
    isDurable: (chainId: string) => boolean,
    failed: (error: unknown) => void,
  ): Promise<void> {
    for (const record of this.#records.values()) {
      if (record.boot === null) continue
      if (record.layer !== null && !isDurable(record.layer.chainId)) continue
      const next = { ...record, boot: null }
      this.#records.set(record.key, next)
      this.#touched.delete(record.key)
      await this.#write(next)
    }
    if (this.#touched.size === 0) return
    this.#noteUse ??= setTimeout(() => {
      this.#noteUse = undefined
      this.#writeTouched().catch(failed)
    }, NOTE_USE_MS).unref()
  }

  async close(): Promise<void> {
    clearTimeout(this.#noteUse)
    await this.#writeTouched()
  }

  async remove(key: string): Promise<void> {
    this.#records.delete(key)
    this.#touched.delete(key)
    // should a power cut bring it back, its layer has gone and so it goes at the next start
    await fs.rm(this.#fileOf(key), { force: true })
  }

  /** Keeps records from being pruned. Returns what lets go of them. */
  hold(keys: Iterable<string>): () => void {
    const held = [...keys]
    for (const key of held) this.#used.set(key, (this.#used.get(key) ?? 0) + 1)
    return () => {
      for (const key of held) {
        const count = (this.#used.get(key) ?? 1) - 1
        if (count === 0) this.#used.delete(key)
        else this.#used.set(key, count)
      }
    }
  }

  isInUse(key: string): boolean {
    return this.#used.has(key)
  }

  async #writeTouched(): Promise<void> {
    for (const key of this.#touched) {
      this.#touched.delete(key)
      const record = this.#records.get(key)
      if (!record) continue
      await this.#write(record)
      // a file system may take half a millisecond for each
      await setImmediate()
    }
  }

  async #write(record: CacheRecord): Promise<void> {
    await writeDocument(this.#fileOf(record.key), record, { sync: false })
  }

  #fileOf(key: string): string {
    return path.join(this.#directory, `${key}.json`)
  }
}

const MOST_DIGESTS = 4096
const NOTE_USE_MS = 5000

/** The key of what all these together name. */
export function cacheKey(...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
