import { GrpcError } from './grpc-error.ts'
import { timestamp } from './messages.ts'
import type { BuildHistoryRecord, RpcStatus, SolveRequest } from './messages.ts'
import type { Progress } from './progress.ts'

/** Records that are kept, the newest. */
const MOST_RECORDS = 50

interface Filed {
  record: BuildHistoryRecord
  progress: Progress
  /** IDs of what the engine built for it and has on record; undefined before it built anything. */
  builds: Set<string> | undefined
  /** What a client does for itself: not on record. */
  isInternal: boolean
}

/**
 * The builds of BuildKit's clients since this door was opened, in all their words: those under way, and the newest that
 * are over. One that led to builds of the engine is on record as long as one of these is; `history-view.ts` joins both.
 */
export class BuildHistory {
  readonly #filed = new Map<string, Filed>()
  readonly #listeners = new Set<(ref: string) => void>()

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
    const { Internal: isInternal } = request
    this.#filed.set(request.Ref, { record, progress, builds: undefined, isInternal })
    this.#changed(request.Ref)
  }

  /** Tells what front end a build turned out to have. */
  describe(ref: string, frontend: string, attrs: Record<string, string>): void {
    const filed = this.#filed.get(ref)
    if (filed) filed.record = { ...filed.record, Frontend: frontend, FrontendAttrs: { ...attrs } }
  }

  /** Tells of a build that the engine makes for it. @param id of its record there */
  leadsTo(ref: string, id: string): void {
    const filed = this.#filed.get(ref)
    if (filed) filed.builds = new Set([...(filed.builds ?? []), id])
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
    this.#changed(ref)
    // pinned ones that the engine has on record stay there
    const old = [...this.#filed].filter(
      ([, { builds, record }]) => record.CompletedAt && !(record.pinned && !builds),
    )
    for (const [oldRef] of old.slice(0, Math.max(0, old.length - MOST_RECORDS)))
      this.#remove(oldRef)
  }

  /** Leaves out those that are over and of whose builds none is on the engine's record any more. */
  settle(onRecord: ReadonlySet<string>): void {
    for (const [ref, { builds, record }] of this.#filed) {
      if (!builds || !record.CompletedAt) continue
      if (![...builds].some((id) => onRecord.has(id))) this.#remove(ref)
    }
  }

  /** Tells that the engine has a build on record no more. */
  forgotten(id: string): void {
    for (const [ref, { builds, record }] of this.#filed)
      if (builds?.delete(id) === true && builds.size === 0 && record.CompletedAt) this.#remove(ref)
  }

  progress(ref: string): Progress | undefined {
    return this.#filed.get(ref)?.progress
  }

  /** Of one that is not known here nothing is changed. */
  pin(ref: string, pinned: boolean): void {
    const filed = this.#filed.get(ref)
    if (!filed) return
    filed.record = { ...filed.record, pinned, Generation: filed.record.Generation + 1 }
    this.#changed(ref)
  }

  /** @throws FAILED_PRECONDITION when it is under way */
  delete(ref: string): void {
    if (this.isUnderWay(ref))
      throw new GrpcError('FAILED_PRECONDITION', `build ${ref} is under way`)
    this.#remove(ref)
  }

  /** Undefined also for what a client does for itself. */
  record(ref: string): BuildHistoryRecord | undefined {
    const filed = this.#filed.get(ref)
    return filed?.isInternal === false ? filed.record : undefined
  }

  isUnderWay(ref: string): boolean {
    const filed = this.#filed.get(ref)
    return filed !== undefined && !filed.record.CompletedAt
  }

  refs(): string[] {
    return [...this.#filed.keys()]
  }

  /** Tells of refs whose record comes, changes or goes from now on. @returns how to stop */
  listen(listener: (ref: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #remove(ref: string): void {
    if (this.#filed.delete(ref)) this.#changed(ref)
  }

  #changed(ref: string): void {
    for (const listener of this.#listeners) listener(ref)
  }
}
