import { GrpcError } from './grpc-error.ts'
import { timestamp } from './messages.ts'
import type { BuildHistoryRecord, RpcStatus, SolveRequest } from './messages.ts'
import type { Progress } from './progress.ts'

/** Records that are kept, the newest; pinned ones stay. */
const MOST_RECORDS = 50

export const STARTED = 0
export const COMPLETE = 1
export const DELETED = 2

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

/**
 * The builds of BuildKit's clients since this door was opened, in all their words: those under way, and the newest that
 * are over. What outlives it is the engine's record (`history-events.ts` joins both).
 */
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

  /** @returns whether it is known here */
  pin(ref: string, pinned: boolean): boolean {
    const filed = this.#filed.get(ref)
    if (!filed) return false
    filed.record = { ...filed.record, pinned, Generation: filed.record.Generation + 1 }
    return true
  }

  /** @returns whether it was known here */
  delete(ref: string): boolean {
    const filed = this.#filed.get(ref)
    if (!filed) return false
    if (!filed.record.CompletedAt)
      throw new GrpcError('FAILED_PRECONDITION', `build ${ref} is under way`)
    this.#emit(DELETED, ref)
    return this.#filed.delete(ref)
  }

  has(ref: string): boolean {
    return this.#filed.has(ref)
  }

  /** Of those that are not what clients do for themselves. */
  records(): BuildHistoryRecord[] {
    return [...this.#filed.values()]
      .filter(({ isInternal }) => !isInternal)
      .map(({ record }) => record)
  }

  /** Tells of what happens from now on. @returns how to stop */
  listen(listener: (event: HistoryEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #emit(type: number, ref: string): void {
    const filed = this.#filed.get(ref)
    if (!filed || filed.isInternal) return
    for (const listener of this.#listeners) listener({ type, record: filed.record })
  }
}
