import type { DiskUsageOptions, SystemEngine } from '../contract/system.ts'
import { InvalidParameterError } from '../errors.ts'
import type { Call, LineType } from './call.ts'
import { authConfig } from './object-bodies.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { filters, flag, sinceMoment, untilMoment, word } from './values.ts'
import { diskUsageFor, eventsFor, infoFor } from './versions/system-answers.ts'
import { API_VERSION, MIN_API_VERSION } from './version.ts'

type UsageType = NonNullable<DiskUsageOptions['types']>[number]
const USAGE_TYPES: readonly string[] = [
  'container',
  'image',
  'volume',
  'build-cache',
] satisfies UsageType[]

export function systemRoutes(system: SystemEngine): Route[] {
  return [
    { method: 'GET', path: '/_ping', handle: ping },
    { method: 'HEAD', path: '/_ping', handle: ping },
    {
      method: 'GET',
      path: '/version',
      handle: async (call) => {
        // The version spoken here is this door's, whatever engine stands behind it.
        call.send(200, {
          ...(await system.version()),
          ApiVersion: API_VERSION,
          MinAPIVersion: MIN_API_VERSION,
        })
      },
    },
    {
      method: 'GET',
      path: '/info',
      handle: async (call) => {
        call.send(200, infoFor(call, await system.info()))
      },
    },
    {
      method: 'POST',
      path: '/auth',
      handle: async (call) => {
        const IdentityToken = await system.authenticate(await call.json(authConfig), call.signal)
        call.send(200, { Status: 'Login Succeeded', IdentityToken })
      },
    },
    route({
      method: 'GET',
      path: '/events',
      query: { since: sinceMoment, until: untilMoment, filters },
      handle: async (call, options) => {
        if (options.since !== undefined && (options.until ?? Infinity) < options.since) {
          throw new InvalidParameterError(
            `\`since\` time (${String(options.since)}) cannot be after \`until\` time (${String(options.until)})`,
          )
        }
        const lines = eventsFor(call, system.events(options, call.signal))
        await call.sendLines(lines, lineType(call))
      },
    }),
    route({
      method: 'GET',
      path: '/system/df',
      /** `type` may be repeated: read by `queryAll`. */
      query: { type: word, verbose: flag },
      handle: async (call, { verbose }) => {
        const types = call.speaks('1.42') ? call.queryAll('type').map(usageType) : []
        const usage = await system.diskUsage({ types, verbose: true })
        call.send(200, diskUsageFor(call, usage, verbose))
      },
    }),
  ]
}

/** Docker's own CLI before 23 builds the classic way unless DOCKER_BUILDKIT=1 asks for more, as with the daemons of its time. */
const BEFORE_BUILDX = /^Docker-Client\/(?:1\d|20)\./

function ping(call: Call): Promise<void> {
  const { response } = call
  response.writeHead(200, {
    'Builder-Version': BEFORE_BUILDX.test(call.header('user-agent') ?? '') ? '1' : '2',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': call.method === 'HEAD' ? 0 : 2,
  })
  response.end(call.method === 'HEAD' ? undefined : 'OK')
  return Promise.resolve()
}

const LINE_TYPES = ['application/jsonl', 'application/x-ndjson', 'application/json-seq'] as const

/** How JSON values follow each other: as the client names it, else by its version. */
function lineType(call: Call): LineType {
  const accepted = (call.header('accept') ?? '').split(',').map((range) => {
    const [type = '', ...parameters] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    const quality = parameters.find((one) => one.startsWith('q='))
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
  })
  const quality = (type: string): number => accepted.find((one) => one.type === type)?.quality ?? 0
  const [best] = [...LINE_TYPES].sort((a, b) => quality(b) - quality(a))
  if (best !== undefined && quality(best) > 0) return best
  return call.speaks('1.52') ? 'application/jsonl' : 'application/json'
}

function usageType(text: string): UsageType {
  if (!USAGE_TYPES.includes(text)) throw new InvalidParameterError(`unknown object type: ${text}`)
  return text as UsageType
}
