import { GrpcError } from './grpc-error.ts'
import { timestamp } from './messages.ts'
import type { BuildHistoryRecord, RpcStatus, SolveRequest } from './messages.ts'
import type { Progress } from './progress.ts'

/** Records that are kept, the newest; pinned ones stay. */
const MOST_RECORDS = 50

const STARTED = 0
const COMPLETE = 1
const DELETED = 2

export interface HistoryEvent {
  type: number
  record: BuildHistoryRecord
}

interface Filed {
  record: BuildHistoryRecord
  progress: Progress
  /** What a client does for itself: not on record. */
  isInternal: boolean
}

/** The builds of BuildKit's clients since the engine was opened: those under way, and the newest that are over. */
export class BuildHistory {
  readonly #filed = new Map<string, Filed>()
  readonly #listeners = new Set<(event: HistoryEvent) => void>()

  start(request: SolveRequest, progress: Progress): void {
    const record: BuildHistoryRecord = {
      Ref: request.Ref,
      Frontend: request.Frontend,
      FrontendAttrs: request.FrontendAttrs,
      Exporters: request.Exporters,
      CreatedAt: timestamp(),
      ExporterResponse: {},
      Generation: 1,
      pinned: false,
      numCachedSteps: 0,
      numTotalSteps: 0,
      numCompletedSteps: 0,
      numWarnings: 0,
    }
    this.#filed.set(request.Ref, { record, progress, isInternal: request.Internal })
    this.#emit(STARTED, request.Ref)
  }

  /** Tells what front end a build turned out to have. */
  describe(ref: string, frontend: string, attrs: Record<string, string>): void {
    const filed = this.#filed.get(ref)
    if (filed) filed.record = { ...filed.record, Frontend: frontend, FrontendAttrs: { ...attrs } }
  }

  complete(ref: string, end: { response: Record<string, string> } | { error: RpcStatus }): void {
    const filed = this.#filed.get(ref)
    if (!filed) return
    const { progress } = filed
    filed.record = {
      ...filed.record,
      CompletedAt: timestamp(),
      Generation: filed.record.Generation + 1,
      ...('error' in end ? { error: end.error } : { ExporterResponse: end.response }),
      numCachedSteps: progress.cachedSteps,
      numTotalSteps: progress.totalSteps,
      numCompletedSteps: progress.completedSteps,
      numWarnings: progress.warnings,
    }
    this.#emit(COMPLETE, ref)
    const old = [...this.#filed].filter(([, one]) => one.record.CompletedAt && !one.record.pinned)
    for (const [oldRef] of old.slice(0, Math.max(0, old.length - MOST_RECORDS)))
      this.#filed.delete(oldRef)
  }

  progress(ref: string): Progress | undefined {
    return this.#filed.get(ref)?.progress
  }

  update(ref: string, change: { Pinned: boolean; Delete: boolean; Finalize: boolean }): void {
    const filed = this.#filed.get(ref)
    if (!filed) throw new GrpcError('NOT_FOUND', `no build record ${ref}`)
    // a record is complete as soon as its build is: there is nothing to finalize
    if (change.Finalize) return
    if (change.Delete) {
      if (!filed.record.CompletedAt)
        throw new GrpcError('FAILED_PRECONDITION', `build ${ref} is under way`)
      this.#emit(DELETED, ref)
      this.#filed.delete(ref)
      return
    }
    filed.record = {
      ...filed.record,
      pinned: change.Pinned,
      Generation: filed.record.Generation + 1,
    }
  }

  /** What is on record, then, unless the listener wants no more, what happens. */
  async *listen(
    options: {
      ActiveOnly: boolean
      Ref: string
      EarlyExit: boolean
      Filter: string[]
      Limit: number
    },
    signal: AbortSignal,
  ): AsyncGenerator<HistoryEvent> {
    if (options.Filter.length > 0)
      throw new GrpcError('UNIMPLEMENTED', 'build records cannot be filtered here')
    const wanted = ({ record }: { record: BuildHistoryRecord }): boolean =>
      options.Ref === '' || record.Ref === options.Ref
    const queue: HistoryEvent[] = []
    let wake: () => void = () => undefined
    const take = (event: HistoryEvent): void => {
      if (!wanted(event)) return
      queue.push(event)
      wake()
    }
    const stop = (): void => {
      wake()
    }
    this.#listeners.add(take)
    signal.addEventListener('abort', stop)
    try {
      const known = [...this.#filed.values()].filter(wanted).reverse()
      const shown = known.filter(
        ({ isInternal, record }) =>
          !isInternal && (!options.ActiveOnly || record.CompletedAt === undefined),
      )
      const listed = options.Limit > 0 ? shown.slice(0, options.Limit) : shown
      for (const { record } of listed)
        yield { type: record.CompletedAt === undefined ? STARTED : COMPLETE, record }
      if (options.EarlyExit) return
      while (!signal.aborted) {
        const event = queue.shift()
        if (event) yield event
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      this.#listeners.delete(take)
      signal.removeEventListener('abort', stop)
    }
  }

  #emit(type: number, ref: string): void {
    const filed = this.#filed.get(ref)
    if (!filed || filed.isInternal) return
    for (const listener of this.#listeners) listener({ type, record: filed.record })
  }
}
