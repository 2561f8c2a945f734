import type { LayerChanges } from './layer-changes.ts'
import type { LayerListing } from './layer-list.ts'
import type { TreeJob, TreeProgress, TreeResult } from './tree-jobs.ts'
import { WorkerPool } from './worker-pool.ts'

/** Directories of all results kept: some 250 bytes each. */
const MOST_DIRECTORIES = 60_000
const MOST_THREADS = 2

/** Compares layers with those below them, on threads; what came of it is remembered, since layers never change. */
export class LayerExplorer {
  readonly #pool = new WorkerPool<TreeJob, TreeProgress, TreeResult>('tree-worker', MOST_THREADS)
  /** By chain ID, least lately used first. */
  readonly #known = new Map<string, { directories: number; changes: Promise<LayerChanges> }>()

  /** @param trees directories of the layers, bottom first; the last is the one of the chain ID */
  async changes(chainId: string, trees: readonly string[]): Promise<LayerChanges> {
    const known = this.#known.get(chainId) ?? { directories: 0, changes: this.#compare(trees) }
    this.#known.delete(chainId)
    this.#known.set(chainId, known)
    try {
      const changes = await known.changes
      known.directories = changes.directories.size
      this.#forgetOldest(known)
      return changes
    } catch (error) {
      this.#known.delete(chainId)
      throw error
    }
  }

  /** @see listLayer */
  async list(
    trees: readonly string[],
    path: string,
    page: { offset: number; limit: number },
  ): Promise<LayerListing> {
    const job: TreeJob = { kind: 'layer-list', trees, path, page }
    return (await this.#pool.run(job, () => undefined)) as LayerListing
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }

  async #compare(trees: readonly string[]): Promise<LayerChanges> {
    return (await this.#pool.run({ kind: 'layer-changes', trees }, () => undefined)) as LayerChanges
  }

  #forgetOldest(newest: unknown): void {
    let sum = 0
    for (const { directories } of this.#known.values()) sum += directories
    for (const [chainId, known] of this.#known) {
      if (sum <= MOST_DIRECTORIES) return
      if (known === newest || known.directories === 0) continue
      sum -= known.directories
      this.#known.delete(chainId)
    }
  }
}
