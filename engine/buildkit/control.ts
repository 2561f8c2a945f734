import { meantBy } from '../build/prune.ts'
import type { Engine } from '../contract.ts'
import type { BuildCacheRecord, BuildPruneOptions } from '../contract/builds.ts'
import type { Filters } from '../contract/common.ts'
import { carryOut } from './carry-out.ts'
import { GrpcError } from './grpc-error.ts'
import { streaming, unary } from './grpc-server.ts'
import type { GrpcCall, GrpcMethods } from './grpc-server.ts'
import {
  BRIDGE_SOLVE_REQUEST,
  BRIDGE_SOLVE_RESPONSE,
  DISK_USAGE_REQUEST,
  DISK_USAGE_RESPONSE,
  EMPTY,
  EVALUATE_REQUEST,
  FILTER_REQUEST,
  HEALTH_RESPONSE,
  HISTORY_EVENT,
  HISTORY_REQUEST,
  INFO_RESPONSE,
  LIST_WORKERS_RESPONSE,
  PONG_RESPONSE,
  PRUNE_REQUEST,
  RETURN_REQUEST,
  SOLVE_REQUEST,
  SOLVE_RESPONSE,
  STATUS_REQUEST,
  STATUS_RESPONSE,
  timestamp,
  UPDATE_HISTORY_REQUEST,
  USAGE_RECORD,
} from './messages.ts'
import type { UsageRecord } from './messages.ts'
import { historyEvents, ownProgress, recordedProgress, updateHistory } from './history-events.ts'
import type { Progress } from './progress.ts'
import { registryCache } from './solve-request.ts'
import { cancelled, SolveJob } from './solve.ts'
import type { Shared } from './solve.ts'
import { versionOf, worker } from './worker.ts'

const CONTROL = '/moby.buildkit.v1.Control'
const BRIDGE = '/moby.buildkit.v1.frontend.LLBBridge'

/** A client's calls about one build come over its connection in any order. */
const WAIT_MS = 3_000
const LOOK_EVERY_MS = 10

/**
 * What BuildKit's clients find behind `POST /grpc`, over our builder.
 *
 * @see moby/buildkit api/services/control/control.proto, frontend/gateway/pb/gateway.proto
 */
export function buildkitMethods(engine: Engine, shared: Shared): GrpcMethods {
  return {
    [`${CONTROL}/Solve`]: unary(SOLVE_REQUEST, SOLVE_RESPONSE, async (request, call) => ({
      ExporterResponse: await carryOut(
        new SolveJob(request, engine, shared, call.signal),
        request,
        { engine, shared, signal: call.signal },
      ),
    })),
    [`${CONTROL}/Status`]: streaming(
      STATUS_REQUEST,
      STATUS_RESPONSE,
      async function* ({ Ref }, { signal }) {
        yield* (await progressOf(engine, shared, Ref, signal)).follow(signal)
      },
    ),
    [`${CONTROL}/ListWorkers`]: unary(FILTER_REQUEST, LIST_WORKERS_RESPONSE, async ({ filter }) => {
      if (filter.some((text) => text !== ''))
        throw new GrpcError('UNKNOWN', 'workers cannot be filtered here: there is one')
      return { record: [await worker(engine)] }
    }),
    [`${CONTROL}/Info`]: unary(EMPTY, INFO_RESPONSE, async () => ({
      buildkitVersion: await versionOf(engine),
    })),
    [`${CONTROL}/DiskUsage`]: unary(DISK_USAGE_REQUEST, DISK_USAGE_RESPONSE, async (request) => {
      const isMeant = meantBy(filtersOf(request.filter, request.ageLimit), true)
      return { record: (await engine.builds.cache()).filter(isMeant).map(usageRecord) }
    }),
    [`${CONTROL}/Prune`]: streaming(PRUNE_REQUEST, USAGE_RECORD, async function* (request) {
      const known = new Map((await engine.builds.cache()).map((record) => [record.ID, record]))
      const { CachesDeleted } = await engine.builds.prune(pruneOptions(request))
      for (const id of CachesDeleted) {
        const record = known.get(id)
        if (record) yield usageRecord(record)
      }
    }),
    [`${CONTROL}/ListenBuildHistory`]: streaming(
      HISTORY_REQUEST,
      HISTORY_EVENT,
      (request, { signal }) => historyEvents(engine.builds, shared.history, request, signal),
    ),
    [`${CONTROL}/UpdateBuildHistory`]: unary(UPDATE_HISTORY_REQUEST, EMPTY, async (request) => {
      await updateHistory(engine.builds, shared.history, request.Ref, request)
      return {}
    }),
    [`${BRIDGE}/Ping`]: unary(EMPTY, PONG_RESPONSE, async (_request, call) => {
      await jobOf(shared, call)
      const caps = (names: readonly string[]): { ID: string; Enabled: boolean }[] =>
        names.map((ID) => ({ ID, Enabled: true }))
      return {
        FrontendAPICaps: caps(FRONTEND_CAPS),
        LLBCaps: caps(LLB_CAPS),
        Workers: [await worker(engine)],
      }
    }),
    [`${BRIDGE}/Solve`]: unary(
      BRIDGE_SOLVE_REQUEST,
      BRIDGE_SOLVE_RESPONSE,
      async (request, call) => {
        const { CacheImports, Definition, Frontend, FrontendInputs, FrontendOpt } = request
        const job = await jobOf(shared, call)
        if (request.SourcePolicies.some(({ rules }) => rules.length > 0))
          throw new GrpcError('UNIMPLEMENTED', 'source policies are not supported here')
        if (request.ExporterAttr.length > 0)
          throw new GrpcError('UNIMPLEMENTED', 'a result takes no attributes of its exporter here')
        if ((Definition?.def.length ?? 0) > 0)
          throw new GrpcError(
            'UNIMPLEMENTED',
            'only Dockerfiles are built here, no LLB definitions',
          )
        const imports = [...CacheImports, ...request.ImportCacheRefsDeprecated.map(registryCache)]
        return {
          result: await job.solve(
            {
              frontend: Frontend,
              attrs: FrontendOpt,
              cacheImports: imports,
              inputs: FrontendInputs,
            },
            call.signal,
          ),
        }
      },
    ),
    [`${BRIDGE}/Evaluate`]: unary(EVALUATE_REQUEST, EMPTY, async ({ Ref }, call) => {
      // a result is never before it has been built
      if (!(await jobOf(shared, call)).has(Ref))
        throw new GrpcError('UNKNOWN', `no such ref: ${Ref}`)
      return {}
    }),
    [`${BRIDGE}/Return`]: unary(RETURN_REQUEST, EMPTY, async ({ error, result }, call) => {
      const job = await jobOf(shared, call)
      job.return(error ? { error } : { result })
      return {}
    }),
    '/grpc.health.v1.Health/Check': unary(EMPTY, HEALTH_RESPONSE, () => ({ status: 1 })),
  }
}

/** What the client's gateway may use. */
const FRONTEND_CAPS = [
  'solve.base',
  'importcaches',
  'return',
  'returnmap',
  'proto.refarray',
  'gateway.evaluate',
  'gateway.solve.evaluate',
  'reference.output',
]
/** Several things to do with a result; the others are about definitions, of which none are taken. */
const LLB_CAPS = ['exporter.multiple', 'source.image', 'source.local', 'constraints', 'platform']

/** The build that a call of a client's gateway is about. */
async function jobOf({ jobs }: Shared, { headers, signal }: GrpcCall): Promise<SolveJob> {
  const ref = String(headers['buildkit-controlapi-buildid'] ?? '')
  return await soon(() => jobs.get(ref), `no such job ${ref}`, signal)
}

async function progressOf(
  engine: Engine,
  shared: Shared,
  ref: string,
  signal: AbortSignal,
): Promise<Progress> {
  const { builds } = engine
  const known =
    (await ownProgress(builds, shared.history, ref)) ??
    (await recordedProgress(builds, shared.history, ref, signal))
  if (known) return known
  return await soon(() => shared.history.progress(ref), `no such job ${ref}`, signal)
}

async function soon<T>(find: () => T | undefined, words: string, signal: AbortSignal): Promise<T> {
  const until = Date.now() + WAIT_MS
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    if (signal.aborted) throw cancelled()
    if (Date.now() > until) throw new GrpcError('NOT_FOUND', words)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

function usageRecord(record: BuildCacheRecord): UsageRecord {
  return {
    ID: record.ID,
    Mutable: record.Type !== 'regular',
    InUse: record.InUse,
    Size: record.Size,
    CreatedAt: timestamp(record.CreatedAt),
    ...(record.LastUsedAt === null ? {} : { LastUsedAt: timestamp(record.LastUsedAt) }),
    UsageCount: record.UsageCount,
    Description: record.Description,
    RecordType: record.Type,
    Shared: record.Shared,
    Parents: record.Parents ?? [],
  }
}

/**
 * Filters are `key=value` and `key==value`, several comma-separated ones in one text.
 *
 * @param unusedForNanos 0: also what was used just now
 */
function filtersOf(texts: readonly string[], unusedForNanos: number): Filters {
  const filters: Filters = {}
  for (const text of texts.flatMap((one) => one.split(',')).filter(Boolean)) {
    const [, key, value] = /^([\w-]+)(?:==?(.*))?$/.exec(text) ?? []
    if (key === undefined) throw new GrpcError('INVALID_ARGUMENT', `invalid filter ${text}`)
    filters[key] = [...(filters[key] ?? []), value ?? '']
  }
  if (unusedForNanos > 0) filters['unused-for'] = [`${String(unusedForNanos)}ns`]
  return filters
}

function pruneOptions(request: {
  filter: string[]
  all: boolean
  keepDuration: number
  reservedSpace: number
  maxUsedSpace: number
  minFreeSpace: number
}): BuildPruneOptions {
  return {
    all: request.all,
    filters: filtersOf(request.filter, request.keepDuration),
    ...(request.reservedSpace > 0 ? { reservedSpace: request.reservedSpace } : {}),
    ...(request.maxUsedSpace > 0 ? { maxUsedSpace: request.maxUsedSpace } : {}),
    ...(request.minFreeSpace > 0 ? { minFreeSpace: request.minFreeSpace } : {}),
  }
}
