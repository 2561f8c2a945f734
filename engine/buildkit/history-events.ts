import { LatestQueue } from '../build/history/latest-queue.ts'
import type { BuildChange, BuildEngine, BuildSummary } from '../contract/builds.ts'
import { errorCode } from '../errors.ts'
import { GrpcError } from './grpc-error.ts'
import type { BuildHistory } from './history.ts'
import { COMPLETE, HistoryView, refOf, STARTED } from './history-view.ts'
import type { HistoryEvent } from './history-view.ts'
import { Progress } from './progress.ts'

interface HistoryRequest {
  ActiveOnly: boolean
  Ref: string
  EarlyExit: boolean
  Filter: string[]
  Limit: number
}

/**
 * What is on record, newest first, then, unless the listener wants no more, what happens: builds by whatever door, in
 * the words of BuildKit's clients where they are known.
 */
export async function* historyEvents(
  builds: BuildEngine,
  own: BuildHistory,
  options: HistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<HistoryEvent> {
  if (options.Filter.length > 0)
    throw new GrpcError('UNIMPLEMENTED', 'build records cannot be filtered here')
  const news = new News(builds, own, signal)
  try {
    // listening already: what happens while the list is made is told afterwards
    const view = new HistoryView(own, await onRecord(builds, own))
    const isAskedFor = (ref: string): boolean => options.Ref === '' || options.Ref === ref
    const shown = view
      .records()
      .filter(({ Ref }) => isAskedFor(Ref))
      .filter(({ CompletedAt }) => !options.ActiveOnly || CompletedAt === undefined)
      .slice(0, options.Limit > 0 ? options.Limit : undefined)
    for (const record of shown)
      yield { type: record.CompletedAt === undefined ? STARTED : COMPLETE, record }
    if (options.EarlyExit) return
    for await (const piece of news.follow()) {
      const events = 'ref' in piece ? view.look(piece.ref) : view.take(piece)
      for (const event of events) if (isAskedFor(event.record.Ref)) yield event
    }
  } finally {
    news.close()
  }
}

type Piece = BuildChange | { ref: string }

/** What happens to the records of the engine and of a door, gathered until it is asked for: of each build the last. */
class News {
  readonly #pieces = new LatestQueue<Piece>()
  readonly #over = new AbortController()
  readonly #signal: AbortSignal
  readonly #stopListening: () => void

  constructor(builds: BuildEngine, own: BuildHistory, signal: AbortSignal) {
    this.#signal = AbortSignal.any([signal, this.#over.signal])
    this.#stopListening = own.listen((ref) => {
      this.#pieces.put(`ref ${ref}`, { ref })
    })
    // an engine without a place for records tells of none
    this.#watch(builds, own).catch(() => undefined)
  }

  follow(): AsyncGenerator<Piece> {
    return this.#pieces.follow(this.#signal)
  }

  close(): void {
    this.#over.abort()
    this.#stopListening()
  }

  async #watch(builds: BuildEngine, own: BuildHistory): Promise<void> {
    for await (const change of builds.watch(this.#signal)) {
      if ('removed' in change) own.forgotten(change.removed)
      const id = 'removed' in change ? change.removed : change.changed.id
      this.#pieces.put(`id ${id}`, change)
    }
  }
}

/** Pins, unpins or removes a record, of each of the engine's builds that it led to. */
export async function updateHistory(
  builds: BuildEngine,
  own: BuildHistory,
  ref: string,
  change: { Pinned: boolean; Delete: boolean; Finalize: boolean },
): Promise<void> {
  const found = (await onRecord(builds, own)).filter((build) => isCalled(build, ref))
  if (found.length === 0 && !own.record(ref))
    throw new GrpcError('NOT_FOUND', `no build record ${ref}`)
  // a record is complete as soon as its build is: there is nothing to finalize
  if (change.Finalize) return
  if (change.Delete) {
    own.delete(ref)
    for (const { id } of found) await builds.forget(id)
    return
  }
  own.pin(ref, change.Pinned)
  for (const { id } of found) await builds.pin(id, change.Pinned)
}

/** How a build of this door goes or went, while it is on record. */
export async function ownProgress(
  builds: BuildEngine,
  own: BuildHistory,
  ref: string,
): Promise<Progress | undefined> {
  // the list is read from disk: for a build that is under way there is no need
  if (own.progress(ref) && !own.isUnderWay(ref)) await onRecord(builds, own)
  return own.progress(ref)
}

/** A build on record told again, and to its end when it is under way. @returns undefined when there is none */
export async function recordedProgress(
  builds: BuildEngine,
  own: BuildHistory,
  ref: string,
  signal: AbortSignal,
): Promise<Progress | undefined> {
  const found = (await onRecord(builds, own)).some((build) => isCalled(build, ref))
  if (!found) return undefined
  const progress = new Progress(ref)
  const telling = (async () => {
    for await (const event of builds.log(ref, { follow: true }, signal))
      if (event.kind !== 'clipped') await progress.tell(event)
  })()
  void telling
    .catch((error: unknown) => {
      progress.warn(String(error))
    })
    .finally(() => {
      progress.end()
    })
  return progress
}

function isCalled(build: BuildSummary, ref: string): boolean {
  return refOf(build) === ref || build.id === ref
}

/** What the engine has on record, of which the door's own records are told. */
async function onRecord(builds: BuildEngine, own: BuildHistory): Promise<BuildSummary[]> {
  try {
    const list = await builds.list()
    own.settle(new Set(list.map(({ id }) => id)))
    return list
  } catch (error) {
    // an engine without a place for records: the door's own are all there is
    if (errorCode(error) === 'NOT_IMPLEMENTED') return []
    throw error
  }
}
