import type { BuildEngine, BuildSummary } from '../contract/builds.ts'
import { errorCode } from '../errors.ts'
import { GrpcError } from './grpc-error.ts'
import { COMPLETE, DELETED, STARTED } from './history.ts'
import type { BuildHistory, HistoryEvent } from './history.ts'
import { timestamp } from './messages.ts'
import type { BuildHistoryRecord } from './messages.ts'
import { Progress } from './progress.ts'

const UNKNOWN = 2

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
  const queue: HistoryEvent[] = []
  let wake: () => void = () => undefined
  const take = (event: HistoryEvent): void => {
    if (options.Ref !== '' && event.record.Ref !== options.Ref) return
    queue.push(event)
    wake()
  }
  const stop = new AbortController()
  const over = AbortSignal.any([signal, stop.signal])
  const onAbort = (): void => {
    wake()
  }
  signal.addEventListener('abort', onAbort)
  const stopListening = own.listen(take)
  try {
    const listing = records(builds, own, options)
    const watching = options.EarlyExit
      ? Promise.resolve()
      : watchOthers(builds, own, listing, take, over)
    watching.catch(() => undefined)
    const known = await listing
    const shown = options.Limit > 0 ? known.slice(0, options.Limit) : known
    for (const record of shown)
      yield { type: record.CompletedAt === undefined ? STARTED : COMPLETE, record }
    while (!options.EarlyExit && !signal.aborted) {
      const event = queue.shift()
      if (event) yield event
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    stop.abort()
    stopListening()
    signal.removeEventListener('abort', onAbort)
  }
}

/** Pins, unpins or removes a record. */
export async function updateHistory(
  builds: BuildEngine,
  own: BuildHistory,
  ref: string,
  change: { Pinned: boolean; Delete: boolean; Finalize: boolean },
): Promise<void> {
  // a record is complete as soon as its build is: there is nothing to finalize
  if (change.Finalize && (own.has(ref) || (await isOnRecord(builds, ref)))) return
  const isOwn = change.Delete ? own.delete(ref) : own.pin(ref, change.Pinned)
  if (await isOnRecord(builds, ref)) {
    if (change.Delete) await builds.forget(ref)
    else await builds.pin(ref, change.Pinned)
  } else if (!isOwn) throw new GrpcError('NOT_FOUND', `no build record ${ref}`)
}

/** A build on record told again, and to its end when it is under way. @returns undefined when there is none */
export async function recordedProgress(
  builds: BuildEngine,
  ref: string,
  signal: AbortSignal,
): Promise<Progress | undefined> {
  if (!(await isOnRecord(builds, ref))) return undefined
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

async function records(
  builds: BuildEngine,
  own: BuildHistory,
  options: HistoryRequest,
): Promise<BuildHistoryRecord[]> {
  const found = new Map<string, BuildHistoryRecord>()
  for (const record of own.records()) found.set(record.Ref, record)
  for (const summary of await listed(builds)) {
    const record = recordOf(summary)
    // of several of one name the newest comes first
    if (!own.has(record.Ref) && !found.has(record.Ref)) found.set(record.Ref, record)
  }
  return [...found.values()]
    .filter(({ Ref }) => options.Ref === '' || Ref === options.Ref)
    .filter(({ CompletedAt }) => !options.ActiveOnly || CompletedAt === undefined)
    .sort(
      (a, b) => b.CreatedAt.seconds - a.CreatedAt.seconds || b.CreatedAt.nanos - a.CreatedAt.nanos,
    )
}

/** Tells of the builds that came by other doors, listening before the list is there: none falls between. */
async function watchOthers(
  builds: BuildEngine,
  own: BuildHistory,
  listing: Promise<readonly BuildHistoryRecord[]>,
  take: (event: HistoryEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const changes = builds.watch(signal)[Symbol.asyncIterator]()
  let next = changes.next()
  const told = new Map((await listing).map((record) => [record.Ref, record]))
  for (;;) {
    const result = await next
    if (result.done === true) return
    next = changes.next()
    const change = result.value
    if ('removed' in change) {
      const record = told.get(change.removed)
      if (record && told.delete(record.Ref)) take({ type: DELETED, record })
      continue
    }
    const record = recordOf(change.changed)
    if (own.has(record.Ref)) continue
    const before = told.get(record.Ref)
    told.set(record.Ref, record)
    if (!before) take({ type: STARTED, record })
    if (record.CompletedAt !== undefined && before?.CompletedAt === undefined)
      take({ type: COMPLETE, record })
  }
}

function recordOf(build: BuildSummary): BuildHistoryRecord {
  return {
    Ref: build.client?.ref ?? build.id,
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

/** A remote engine keeps no records. */
async function listed(builds: BuildEngine): Promise<BuildSummary[]> {
  try {
    return await builds.list()
  } catch (error) {
    if (errorCode(error) === 'NOT_IMPLEMENTED') return []
    throw error
  }
}

async function isOnRecord(builds: BuildEngine, ref: string): Promise<boolean> {
  return (await listed(builds)).some(({ client, id }) => client?.ref === ref || id === ref)
}
