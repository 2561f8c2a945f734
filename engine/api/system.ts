import type { DiskUsage, DiskUsageOptions, SystemEngine } from '../contract.ts'
import { InvalidParameterError } from '../errors.ts'
import type { EventMessage } from '../types/docker.ts'
import type { Call } from './call.ts'
import { route } from './router.ts'
import type { Route } from './router.ts'
import { filters, flag, sinceMoment, untilMoment, word } from './values.ts'
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
        call.send(200, await system.info())
      },
    },
    route({
      method: 'GET',
      path: '/events',
      query: { since: sinceMoment, until: untilMoment, filters },
      handle: async (call, options) => {
        await call.sendLines(legacyEvents(system.events(options, call.signal)))
      },
    }),
    route({
      method: 'GET',
      path: '/system/df',
      /** `type` may be repeated: read by `queryAll`. */
      query: { type: word, verbose: flag },
      handle: async (call) => {
        const types = call.queryAll('type').map(usageType)
        const usage = await system.diskUsage({ types, verbose: true })
        call.send(200, legacyUsage(usage))
      },
    }),
  ]
}

function ping(call: Call): Promise<void> {
  const { response } = call
  response.writeHead(200, {
    'Builder-Version': '1',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': call.method === 'HEAD' ? 0 : 2,
  })
  response.end(call.method === 'HEAD' ? undefined : 'OK')
  return Promise.resolve()
}

function usageType(text: string): UsageType {
  if (!USAGE_TYPES.includes(text)) throw new InvalidParameterError(`unknown object type: ${text}`)
  return text as UsageType
}

/** The shape that `/system/df` has below API 1.52: the objects themselves, sums left to the client. */
function legacyUsage(usage: DiskUsage): Record<string, unknown> {
  return {
    ...(usage.ImageUsage === undefined
      ? {}
      : { LayersSize: usage.ImageUsage.TotalSize ?? 0, Images: usage.ImageUsage.Items ?? [] }),
    ...(usage.ContainerUsage === undefined ? {} : { Containers: usage.ContainerUsage.Items ?? [] }),
    ...(usage.VolumeUsage === undefined ? {} : { Volumes: usage.VolumeUsage.Items ?? [] }),
    ...(usage.BuildCacheUsage === undefined
      ? {}
      : { BuildCache: usage.BuildCacheUsage.Items ?? [] }),
  }
}

/** Below API 1.52 the events of containers and images also carry the fields that were there before `Actor`. */
async function* legacyEvents(events: AsyncIterable<EventMessage>): AsyncGenerator<unknown> {
  for await (const event of events) {
    if (event.Type !== 'container' && event.Type !== 'image') {
      yield event
      continue
    }
    const from = event.Actor?.Attributes?.image
    yield {
      status: event.Action,
      id: event.Actor?.ID,
      ...(from === undefined ? {} : { from }),
      ...event,
    }
  }
}
