import { statSync } from 'node:fs'
import type { BlobStore } from '../store/blobs.ts'
import { isMissing } from '../store/documents.ts'
import { refuse } from './refusal.ts'
import type { RepositoryTable } from './repository-table.ts'
import type { SettingsDocument } from './settings.ts'

/** Bytes of the registry by namespace: each blob and manifest counts once in each, however many repositories name it. */
export class Quota {
  readonly #repositories: RepositoryTable
  readonly #settings: SettingsDocument
  readonly #blobs: BlobStore
  /** What has a digest never changes its size. */
  readonly #sizes = new Map<string, number>()

  constructor(repositories: RepositoryTable, settings: SettingsDocument, blobs: BlobStore) {
    this.#repositories = repositories
    this.#settings = settings
    this.#blobs = blobs
  }

  /** Bytes that a repository may yet take; undefined when nothing limits it. */
  roomOf(repository: string): { bytes: number; of: string } | undefined {
    let least: { bytes: number; of: string } | undefined
    for (const { bytes, namespace } of this.#settings.current.quotas) {
      if (!isWithin(repository, namespace)) continue
      const room = Math.max(bytes - this.usageOf(namespace), 0)
      if (least === undefined || room < least.bytes) least = { bytes: room, of: namespace }
    }
    return least
  }

  /**
   * @param digest of the content that is to come; what the namespace has already costs nothing
   * @throws DENIED
   */
  check(repository: string, digest: string, size: number): void {
    for (const { bytes, namespace } of this.#settings.current.quotas) {
      if (!isWithin(repository, namespace)) continue
      const has = this.#contentOf(namespace)
      if (has.has(digest)) continue
      const used = this.#sum(has)
      if (used + size > bytes) throw exceeded(namespace, bytes - used)
    }
  }

  usageOf(namespace: string): number {
    return this.#sum(this.#contentOf(namespace))
  }

  /** Bytes of content, each once. */
  bytesOf(digests: ReadonlySet<string>): number {
    return this.#sum(digests)
  }

  #contentOf(namespace: string): Set<string> {
    const content = new Set<string>()
    for (const { blobs, name, state } of this.#repositories.all()) {
      if (!isWithin(name, namespace)) continue
      for (const digest of blobs.keys()) content.add(digest)
      for (const digest of state.manifests.keys()) content.add(digest)
    }
    return content
  }

  #sum(digests: Iterable<string>): number {
    let sum = 0
    for (const digest of digests) sum += this.#sizeOf(digest)
    return sum
  }

  #sizeOf(digest: string): number {
    const known = this.#sizes.get(digest)
    if (known !== undefined) return known
    try {
      const { size } = statSync(this.#blobs.pathOf(digest))
      this.#sizes.set(digest, size)
      return size
    } catch (error) {
      // named, but gone by somebody's hand
      if (isMissing(error)) return 0
      throw error
    }
  }
}

export function exceeded(namespace: string, room: number): Error {
  return refuse(
    'DENIED',
    `the quota of ${namespace} leaves ${Math.max(room, 0)} bytes: delete something there, or have the quota raised`,
  )
}

function isWithin(repository: string, namespace: string): boolean {
  return repository === namespace || repository.startsWith(`${namespace}/`)
}
