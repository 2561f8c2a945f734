import type { BuildChange, BuildSummary } from '../../contract/builds.ts'

/** Tells watchers what changed; to one that is slow only how each build is in the end. */
export class ChangeFeed {
  readonly #watchers = new Set<{ waiting: Map<string, BuildChange>; wake: () => void }>()

  changed(id: string, summary: BuildSummary): void {
    this.#tell(id, { changed: summary })
  }

  removed(id: string): void {
    this.#tell(id, { removed: id })
  }

  async *watch(signal: AbortSignal | undefined): AsyncGenerator<BuildChange> {
    const watcher = { waiting: new Map<string, BuildChange>(), wake: (): void => undefined }
    const stop = (): void => {
      watcher.wake()
    }
    this.#watchers.add(watcher)
    signal?.addEventListener('abort', stop)
    try {
      while (signal?.aborted !== true) {
        const [first] = watcher.waiting
        if (first) {
          watcher.waiting.delete(first[0])
          yield first[1]
        } else
          await new Promise<void>((resolve) => {
            watcher.wake = resolve
          })
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#watchers.delete(watcher)
    }
  }

  #tell(id: string, change: BuildChange): void {
    for (const { waiting, wake } of this.#watchers) {
      waiting.set(id, change)
      wake()
    }
  }
}
