import { statSync } from 'node:fs'
import type { RegistryQuota } from '../contract/registry.ts'
import type { BlobStore } from '../store/blobs.ts'
import { isMissing } from '../store/documents.ts'
import { refuse } from './refusal.ts'
import type { RepositoryTable } from './repository-table.ts'
import type { SettingsDocument } from './settings.ts'
import type { Uploads } from './uploads.ts'

interface QuotaParts {
  repositories: RepositoryTable
  settings: SettingsDocument
  uploads: Uploads
  blobs: BlobStore
}

/**
 * Bytes of the registry by namespace: each blob and manifest counts once in each, however many repositories name it; an
 * upload counts as it comes, since what it will turn out to be is not known before its end.
 */
export class Quota {
  readonly #repositories: RepositoryTable
  readonly #settings: SettingsDocument
  readonly #uploads: Uploads
  readonly #blobs: BlobStore
  /** What has a digest never changes its size. */
  readonly #sizes = new Map<string, number>()
  /** What namespaces hold, as of a generation of the repositories: it is asked for with each piece of an upload. */
  readonly #contents = new Map<string, { digests: ReadonlySet<string>; bytes: number }>()
  #generation = -1

  constructor({ blobs, repositories, settings, uploads }: QuotaParts) {
    this.#repositories = repositories
    this.#settings = settings
    this.#uploads = uploads
    this.#blobs = blobs
  }

  /**
   * Asked before an upload grows by so many bytes.
   *
   * @throws DENIED
   */
  admit(repository: string, bytes: number): void {
    for (const quota of this.#quotasOf(repository))
      this.#demand(quota, this.#contentOf(quota.namespace).bytes, bytes)
  }

  /**
   * Asked before a repository names content.
   *
   * @param content what the namespace has already costs nothing; sizes are 0 where they count as an upload's still
   * @throws DENIED
   */
  check(repository: string, content: readonly { digest: string; size: number }[]): void {
    for (const quota of this.#quotasOf(repository)) {
      const { bytes, digests } = this.#contentOf(quota.namespace)
      const added = content.filter(({ digest }) => !digests.has(digest))
      if (added.length === 0) continue
      this.#demand(
        quota,
        bytes,
        added.reduce((sum, { size }) => sum + size, 0),
      )
    }
  }

  /** Bytes of what a namespace holds and of what is being uploaded to it. */
  takenOf(namespace: string): number {
    return this.#contentOf(namespace).bytes + this.#uploads.bytesTo(isWithin(namespace))
  }

  /** Bytes of content, each once. */
  bytesOf(digests: ReadonlySet<string>): number {
    return this.#sum(digests)
  }

  #quotasOf(repository: string): RegistryQuota[] {
    return this.#settings.current.quotas.filter(({ namespace }) => isWithin(namespace)(repository))
  }

  /** Uploads that nobody goes on with make room for those that somebody does. */
  #demand({ bytes, namespace }: RegistryQuota, held: number, wanted: number): void {
    const isMeant = isWithin(namespace)
    const excess = (): number => held + this.#uploads.bytesTo(isMeant) + wanted - bytes
    if (excess() <= 0) return
    this.#uploads.giveWay(isMeant, excess())
    if (excess() <= 0) return
    const uploading = this.#uploads.bytesTo(isMeant)
    const room = Math.max(bytes - held - uploading, 0)
    const beside = uploading > 0 ? ` beside ${uploading} bytes of uploads under way` : ''
    throw refuse(
      'DENIED',
      `the quota of ${namespace} leaves ${room} bytes${beside}: delete something there, or have the quota raised`,
    )
  }

  #contentOf(namespace: string): { digests: ReadonlySet<string>; bytes: number } {
    const { generation } = this.#repositories
    if (generation !== this.#generation) this.#contents.clear()
    this.#generation = generation
    const known = this.#contents.get(namespace)
    if (known) return known
    const digests = new Set<string>()
    const isMeant = isWithin(namespace)
    for (const { blobs, name, state } of this.#repositories.all()) {
      if (!isMeant(name)) continue
      for (const digest of blobs.keys()) digests.add(digest)
      for (const digest of state.manifests.keys()) digests.add(digest)
    }
    const content = { digests, bytes: this.#sum(digests) }
    this.#contents.set(namespace, content)
    return content
  }

  #sum(digests: Iterable<string>): number {
    let sum = 0
    for (const digest of digests) sum += this.sizeOf(digest)
    return sum
  }

  /** Bytes of content; 0 when somebody's hand has taken it away. */
  sizeOf(digest: string): number {
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

function isWithin(namespace: string): (repository: string) => boolean {
  return (repository) => repository === namespace || repository.startsWith(`${namespace}/`)
}
