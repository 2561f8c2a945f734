import type { BuildChange, BuildSummary } from '../contract/builds.ts'
import type { BuildHistory } from './history.ts'
import { timestamp } from './messages.ts'
import type { BuildHistoryRecord } from './messages.ts'

export const STARTED = 0
export const COMPLETE = 1
export const DELETED = 2

export interface HistoryEvent {
  type: number
  record: BuildHistoryRecord
}

const UNKNOWN = 2

/**
 * What one listener knows of the builds by every door: the engine's records, in the words of BuildKit's clients where
 * these are known. A client's build may have led to several of the engine's, one for each platform.
 */
export class HistoryView {
  readonly #own: BuildHistory
  /** The engine's, by ID. */
  readonly #builds: Map<string, BuildSummary>
  readonly #known = new Map<string, BuildHistoryRecord>()

  constructor(own: BuildHistory, builds: readonly BuildSummary[]) {
    this.#own = own
    this.#builds = new Map(builds.map((build) => [build.id, build]))
  }

  /** All of them, newest first. */
  records(): BuildHistoryRecord[] {
    const refs = new Set([...this.#own.refs(), ...[...this.#builds.values()].map(refOf)])
    for (const ref of refs) this.look(ref)
    return [...this.#known.values()].sort(
      (a, b) => b.CreatedAt.seconds - a.CreatedAt.seconds || b.CreatedAt.nanos - a.CreatedAt.nanos,
    )
  }

  /** What a change of the engine's records means to the listener. */
  take(change: BuildChange): HistoryEvent[] {
    if ('changed' in change) {
      this.#builds.set(change.changed.id, change.changed)
      return this.look(refOf(change.changed))
    }
    const gone = this.#builds.get(change.removed)
    this.#builds.delete(change.removed)
    return gone ? this.look(refOf(gone)) : []
  }

  /** What has become of a build since the listener was told of it. */
  look(ref: string): HistoryEvent[] {
    const before = this.#known.get(ref)
    const record = this.#recordOf(ref)
    if (!record) {
      this.#known.delete(ref)
      return before ? [{ type: DELETED, record: before }] : []
    }
    this.#known.set(ref, record)
    const events: HistoryEvent[] = before ? [] : [{ type: STARTED, record }]
    const isNews = !before?.CompletedAt || before.pinned !== record.pinned
    if (record.CompletedAt && isNews) events.push({ type: COMPLETE, record })
    return events
  }

  #recordOf(ref: string): BuildHistoryRecord | undefined {
    const builds = [...this.#builds.values()]
      .filter((build) => refOf(build) === ref && build.client?.isInternal !== true)
      .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1))
    const [newest] = builds
    const record = this.#own.record(ref) ?? (newest && recordOf(newest))
    if (!record || !newest) return record
    return { ...record, pinned: builds.some(({ pinned }) => pinned) }
  }
}

/** What BuildKit's clients call a build. */
export function refOf({ client, id }: BuildSummary): string {
  return client?.ref ?? id
}

function recordOf(build: BuildSummary): BuildHistoryRecord {
  return {
    Ref: refOf(build),
    Frontend: 'dockerfile.v0',
    FrontendAttrs: build.client?.attributes ?? {
      filename: build.dockerfile,
      ...(build.target === null ? {} : { target: build.target }),
      ...(build.platform === null ? {} : { platform: build.platform }),
      ...('address' in build.source ? { context: build.source.address } : {}),
    },
    Exporters: [{ Type: 'moby', Attrs: { name: build.tags.join(',') } }],
    CreatedAt: timestamp(build.startedAt),
    ...(build.endedAt === null ? {} : { CompletedAt: timestamp(build.endedAt) }),
    ...(build.state === 'running' || build.state === 'done'
      ? {}
      : { error: { code: UNKNOWN, message: build.error ?? build.state, details: [] } }),
    ExporterResponse: build.image === null ? {} : { 'containerimage.config.digest': build.image },
    Generation: 1,
    pinned: build.pinned,
    numCachedSteps: build.cachedSteps,
    numTotalSteps: build.totalSteps,
    numCompletedSteps: build.completedSteps,
    numWarnings: build.warnings,
  }
}
