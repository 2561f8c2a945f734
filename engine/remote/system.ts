import type {
  DiskUsage,
  DiskUsageOptions,
  EventsOptions,
  SystemEngine,
} from '../contract/system.ts'
import type { RegistryCredentials } from '../contract/common.ts'
import type {
  ContainerSummary,
  EventMessage,
  ImageSummary,
  SystemInfo,
  SystemVersion,
  Volume,
} from '../types/docker.ts'
import { summarizeUsage } from '../system/usage.ts'
import { filtersQuery, timeQuery } from './query.ts'
import type { Transport } from './transport.ts'

/** What `/system/df` answers below API 1.52. */
interface LegacyDiskUsage {
  LayersSize?: number
  Images?: ImageSummary[] | null
  Containers?: ContainerSummary[] | null
  Volumes?: Volume[] | null
  BuildCache?: { Size?: number; InUse?: boolean; Shared?: boolean }[] | null
}

/** What events said twice below API 1.52. */
interface LegacyEvent {
  status?: string
  id?: string
  from?: string
}

type Sums = { Items?: unknown[] }

export class RemoteSystem implements SystemEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async version(): Promise<SystemVersion> {
    return this.#transport.json('GET', '/version')
  }

  async info(): Promise<SystemInfo> {
    return this.#transport.json('GET', '/info')
  }

  async diskUsage(options: DiskUsageOptions = {}): Promise<DiskUsage> {
    const type = this.#transport.speaks('1.42') ? options.types : undefined
    if (this.#transport.speaks('1.52')) {
      // Asked for with the objects, because without them the answer of before comes along, with the objects.
      const usage = await this.#transport.json<DiskUsage>('GET', '/system/df', {
        query: { type, verbose: true },
      })
      return options.verbose === true ? usage : withoutItems(usage)
    }
    const usage = await this.#transport.json<LegacyDiskUsage>('GET', '/system/df', {
      query: { type },
    })
    return summarizeUsage(
      {
        layersBytes: usage.LayersSize ?? 0,
        images: usage.Images ?? [],
        containers: usage.Containers ?? [],
        volumes: usage.Volumes ?? [],
        buildCache: usage.BuildCache ?? [],
      },
      options,
    )
  }

  async authenticate(credentials: RegistryCredentials, signal?: AbortSignal): Promise<string> {
    const answer = await this.#transport.json<{ IdentityToken?: string }>('POST', '/auth', {
      body: credentials,
      signal,
    })
    return answer.IdentityToken ?? ''
  }

  async *events(options: EventsOptions = {}, signal?: AbortSignal): AsyncGenerator<EventMessage> {
    const events = this.#transport.lines<EventMessage & LegacyEvent>('GET', '/events', {
      query: {
        since: timeQuery(options.since),
        until: timeQuery(options.until),
        filters: filtersQuery(options.filters),
      },
      signal,
    })
    for await (const { status: _status, id: _id, from: _from, ...event } of events) yield event
  }
}

function withoutItems(usage: DiskUsage): DiskUsage {
  const sums = Object.entries(usage).map(([type, { Items: _items, ...sum }]: [string, Sums]) => [
    type,
    sum,
  ])
  return Object.fromEntries(sums) as DiskUsage
}
