import { z } from 'zod'
import type { Shared } from '../buildkit/solve.ts'
import type { Engine } from '../contract.ts'
import type { BuildContext, BuildRequest } from '../contract/builds.ts'
import type { RegistryCredentials } from '../contract/common.ts'
import { BuildError, errorMessage, InvalidParameterError, NotImplementedError } from '../errors.ts'
import { byBuildKit, uploadFor } from './build-by-buildkit.ts'
import { classicLines } from './build-lines.ts'
import type { Call } from './call.ts'
import { begun } from './containers.ts'
import { authConfig } from './object-bodies.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { filters, flag, integer, unread, word } from './values.ts'

const NO_CONTAINERS = 'steps leave no containers behind'

const buildQuery = {
  dockerfile: word,
  /** Repeated; read by `queryAll`, as `extrahosts` is. */
  t: word,
  extrahosts: word,
  remote: word,
  q: flag,
  nocache: flag,
  cachefrom: word,
  pull: flag,
  rm: unread(NO_CONTAINERS),
  forcerm: unread(NO_CONTAINERS),
  memory: integer,
  memswap: integer,
  cpushares: integer,
  cpusetcpus: word,
  cpusetmems: word,
  cpuperiod: integer,
  cpuquota: integer,
  ulimits: word,
  buildargs: word,
  shmsize: integer,
  squash: flag,
  labels: word,
  networkmode: word,
  platform: word,
  target: word,
  /** Of `version=2` alone, as `session` is: the classic builder's result is an image. */
  outputs: word,
  /** `2` asks for BuildKit. */
  version: word,
  session: word,
  /** By which a context that another request brings is found. */
  buildid: word,
  isolation: unread('a setting of Windows containers'),
  cgroupparent: word,
  /** Repeated, or a JSON list, as SDKs send it. */
  securityopt: word,
}

export function buildRoutes(engine: Engine, shared: Shared): Route[] {
  const { builds } = engine
  return [
    route({
      method: 'POST',
      path: '/build',
      query: buildQuery,
      handle: async (call, query) => {
        const request = requestOf(call, query)
        const outputs = jsonOf('outputs', query.outputs, buildOutputs)
        if (query.version === '2') {
          const { q: quiet, buildid = '', session = '' } = query
          const door = { engine, shared, signal: call.signal }
          const upload = uploadFor(buildid)
          if (upload !== undefined) {
            await shared.uploads.offer(upload, call.body, call.signal)
            call.send(200)
            return
          }
          const lines = await byBuildKit(request, { buildid, outputs, quiet, session }, door)
          await call.sendLines(told(lines, call.signal))
          return
        }
        if (outputs.length > 0)
          throw new NotImplementedError('outputs is not supported: only BuildKit has them')
        const events = await begun(builds.build(request, call.signal))
        await call.sendLines(told(classicLines(events, query.q), call.signal))
      },
    }),
    // the docker CLI before 23 asks for it when it is interrupted, and waits for the build to end
    route({
      method: 'POST',
      path: '/build/cancel',
      query: { id: word },
      handle: (call, { id }) => {
        if (id === undefined) throw new InvalidParameterError('build ID not provided')
        shared.cancels.get(id)?.()
        call.send(200)
        return Promise.resolve()
      },
    }),
    route({
      method: 'POST',
      path: '/build/prune',
      query: {
        all: flag,
        filters,
        'reserved-space': integer,
        'max-used-space': integer,
        'min-free-space': integer,
        /** What `reserved-space` was called until 1.48. */
        'keep-storage': integer,
      },
      handle: async (call, query) => {
        const pruned = await builds.prune({
          all: query.all,
          ...(query.filters ? { filters: query.filters } : {}),
          reservedSpace: query['reserved-space'] ?? query['keep-storage'],
          maxUsedSpace: query['max-used-space'],
          minFreeSpace: query['min-free-space'],
        })
        call.send(200, {
          CachesDeleted: pruned.CachesDeleted.length > 0 ? pruned.CachesDeleted : null,
          SpaceReclaimed: pruned.SpaceReclaimed,
        })
      },
    }),
  ]
}

/** What fails after the first line is told by a line of its own, because the status is out. */
async function* told(lines: AsyncIterable<unknown>, signal: AbortSignal): AsyncGenerator<unknown> {
  try {
    yield* lines
  } catch (error) {
    if (signal.aborted) return
    const message = errorMessage(error)
    const code = error instanceof BuildError ? error.exitCode : undefined
    yield { errorDetail: { ...(code === undefined ? {} : { code }), message }, error: message }
  }
}

type Query = z.output<z.ZodObject<typeof buildQuery>>

function requestOf(call: Call, query: Query): BuildRequest {
  const context: BuildContext =
    query.remote === undefined ? { tar: call.body } : { remote: query.remote }
  return {
    context,
    dockerfile: query.dockerfile,
    tags: call.queryAll('t'),
    buildArgs: jsonOf('buildargs', query.buildargs, buildArgs),
    labels: jsonOf('labels', query.labels, labels),
    target: query.target,
    platform: query.platform,
    noCache: query.nocache,
    pull: query.pull,
    squash: query.squash,
    cacheFrom: jsonOf('cachefrom', query.cachefrom, cacheFrom),
    network: query.networkmode,
    extraHosts: call.queryAll('extrahosts'),
    resources: {
      ...(query.memory ? { Memory: query.memory } : {}),
      ...(query.memswap ? { MemorySwap: query.memswap } : {}),
      ...(query.cpushares ? { CpuShares: query.cpushares } : {}),
      ...(query.cpuperiod ? { CpuPeriod: query.cpuperiod } : {}),
      ...(query.cpuquota ? { CpuQuota: query.cpuquota } : {}),
      ...(query.cpusetcpus === undefined ? {} : { CpusetCpus: query.cpusetcpus }),
      ...(query.cpusetmems === undefined ? {} : { CpusetMems: query.cpusetmems }),
      ...(query.shmsize ? { ShmSize: query.shmsize } : {}),
      Ulimits: jsonOf('ulimits', query.ulimits, ulimits),
      ...(query.cgroupparent === undefined ? {} : { CgroupParent: query.cgroupparent }),
      SecurityOpt: call
        .queryAll('securityopt')
        .flatMap((text) => (text.startsWith('[') ? jsonOf('securityopt', text, words) : [text])),
    },
    auth: registryConfig(call.header('x-registry-config')),
  }
}

const words = z.array(z.string())
const cacheFrom = words.default([])
const labels = z.record(z.string(), z.string()).default({})

const buildArgs = z
  .record(z.string(), z.string().nullable())
  .nullable()
  .default({})
  .transform((args) =>
    Object.fromEntries(
      Object.entries(args ?? {}).map(([name, value]) => [name, value ?? undefined]),
    ),
  )

const buildOutputs = z
  .array(
    z.object({
      Type: z.string(),
      Attrs: z
        .record(z.string(), z.string())
        .nullish()
        .transform((attrs) => attrs ?? {}),
    }),
  )
  .default([])

const ulimits = z
  .array(z.object({ Name: z.string(), Soft: z.number(), Hard: z.number() }))
  .nullable()
  .default([])
  .transform((list) => list ?? [])

function jsonOf<T extends z.ZodType>(
  name: string,
  text: string | undefined,
  schema: T,
): z.output<T> {
  let value: unknown
  try {
    value = text === undefined ? undefined : JSON.parse(text)
  } catch (error) {
    throw new InvalidParameterError(`${name}: ${errorMessage(error)}`, { cause: error })
  }
  const parsed = schema.safeParse(value === null ? undefined : value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new InvalidParameterError(`${name}: ${issue?.message ?? 'wrong shape'}`)
}

/** Credentials by registry, in base64 JSON; a broken header counts as none, as Docker has it. */
function registryConfig(header: string | undefined): Record<string, RegistryCredentials> {
  if (header === undefined || header === '') return {}
  try {
    const text = Buffer.from(header, 'base64url').toString()
    return z.record(z.string(), authConfig).parse(JSON.parse(text))
  } catch {
    return {}
  }
}
