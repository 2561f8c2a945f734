import type { Engine } from '../../../engine/contract.ts'
import type { BuildSummary } from '../../../engine/contract/builds.ts'
import type { Change, Merge, Source } from '../topic.ts'

const BATCH_MS = 100

/** Builds under way and on record. */
export class BuildsSource implements Source<'builds'> {
  readonly #builds: Engine['builds']
  readonly #abort = new AbortController()
  readonly #dirty = new Set<string>()
  #known = new Map<string, BuildSummary>()
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Pick<Engine, 'builds'>) {
    this.#builds = engine.builds
  }

  async open(publish: (change: Change<'builds'>) => void): Promise<void> {
    // listening before the list is read: what happens meanwhile is in one or the other
    this.#watch(publish).catch(() => undefined)
    const listed = await this.#builds.list()
    this.#known = new Map([...listed.map((build) => [build.id, build] as const), ...this.#known])
  }

  snapshot(): BuildSummary[] {
    return [...this.#known.values()].sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
  }

  close(): void {
    this.#abort.abort()
    clearTimeout(this.#timer)
  }

  async #watch(publish: (change: Change<'builds'>) => void): Promise<void> {
    for await (const change of this.#builds.watch(this.#abort.signal)) {
      if ('removed' in change) {
        this.#known.delete(change.removed)
        this.#dirty.add(change.removed)
      } else {
        this.#known.set(change.changed.id, change.changed)
        this.#dirty.add(change.changed.id)
      }
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        const ids = [...this.#dirty]
        this.#dirty.clear()
        publish({
          changed: ids.flatMap((id) => this.#known.get(id) ?? []),
          removed: ids.filter((id) => !this.#known.has(id)),
        })
      }, BATCH_MS)
    }
  }
}

export const mergeBuilds: Merge<'builds'> = (older, newer) => {
  const removed = new Set([...older.removed, ...newer.removed])
  const changed = new Map([...older.changed, ...newer.changed].map((build) => [build.id, build]))
  return {
    changed: [...changed.values()].filter(({ id }) => !removed.has(id)),
    removed: [...removed],
  }
}
