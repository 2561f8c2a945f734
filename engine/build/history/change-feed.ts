import type { BuildChange, BuildSummary } from '../../contract/builds.ts'
import { LatestQueue } from './latest-queue.ts'

/** Tells watchers what changed; to one that is slow only how each build is in the end. */
export class ChangeFeed {
  readonly #watchers = new Set<LatestQueue<BuildChange>>()

  changed(id: string, summary: BuildSummary): void {
    this.#tell(id, { changed: summary })
  }

  removed(id: string): void {
    this.#tell(id, { removed: id })
  }

  async *watch(signal: AbortSignal | undefined): AsyncGenerator<BuildChange> {
    const changes = new LatestQueue<BuildChange>()
    this.#watchers.add(changes)
    try {
      yield* changes.follow(signal)
    } finally {
      this.#watchers.delete(changes)
    }
  }

  #tell(id: string, change: BuildChange): void {
    for (const changes of this.#watchers) changes.put(id, change)
  }
}
