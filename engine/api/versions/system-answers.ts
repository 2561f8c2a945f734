import type { DiskUsage } from '../../contract/system.ts'
import type { EventMessage, ImageSummary, SystemInfo } from '../../types/docker.ts'
import type { Call } from '../call.ts'
import type { Spoken } from './spoken.ts'

/** What GET /info told in the client's version; the newest takes it as it is. */
export function infoFor(client: Spoken, info: SystemInfo): unknown {
  if (client.speaks('1.53')) return info
  const { Containerd, DiscoveredDevices, FirewallBackend, NRI: _nri, ...told } = info
  return {
    ...told,
    ...(client.speaks('1.46') && Containerd !== undefined ? { Containerd } : {}),
    ...(client.speaks('1.50') && DiscoveredDevices !== undefined ? { DiscoveredDevices } : {}),
    ...(client.speaks('1.50') ? {} : { BridgeNfIptables: false, BridgeNfIp6tables: false }),
    ...(client.speaks('1.49') && FirewallBackend !== undefined ? { FirewallBackend } : {}),
    ...(client.speaks('1.49') ? {} : withExpectedCommits(info)),
    ...(client.speaks('1.44') ? {} : { Runtimes: withoutStatus(info) }),
    ...(client.speaks('1.25')
      ? {}
      : { ExecutionDriver: '<not supported>', SecurityOptions: securityNames(info) }),
  }
}

function withExpectedCommits(info: SystemInfo): Record<string, unknown> {
  const expected = (commit: { ID?: string } | undefined): unknown => ({
    ...commit,
    Expected: commit?.ID ?? '',
  })
  return {
    ContainerdCommit: expected(info.ContainerdCommit),
    RuncCommit: expected(info.RuncCommit),
    InitCommit: expected(info.InitCommit),
    RegistryConfig: {
      ...info.RegistryConfig,
      AllowNondistributableArtifactsCIDRs: null,
      AllowNondistributableArtifactsHostnames: null,
    },
  }
}

function withoutStatus({ Runtimes = {} }: SystemInfo): SystemInfo['Runtimes'] {
  return Object.fromEntries(
    Object.entries(Runtimes).map(([name, { status: _status, ...runtime }]) => [name, runtime]),
  )
}

/** `name=seccomp,profile=builtin` was told as `seccomp`. */
function securityNames({ SecurityOptions = [] }: SystemInfo): string[] {
  return SecurityOptions.map((option) => /(?:^|,)name=([^,]*)/.exec(option)?.[1] ?? option)
}

/**
 * What GET /system/df told in the client's version. From 1.52 on it is sums by type, with the objects only when `verbose`;
 * without, the answer of before comes along, as Docker has it for clients that name no version.
 */
export function diskUsageFor(client: Spoken, usage: DiskUsage, verbose: boolean): unknown {
  if (!client.speaks('1.52')) return objectsOf(usage, client)
  if (verbose) return usage
  const { Gantry: _, ...types } = usage
  const sums = Object.fromEntries(
    Object.entries(types).map(
      ([type, { Items: _items, ...sum }]: [string, { Items?: unknown[] }]) => [type, sum],
    ),
  )
  return { ...objectsOf(usage, client), ...sums }
}

function objectsOf(usage: DiskUsage, client: Spoken): Record<string, unknown> {
  const { BuildCacheUsage, ContainerUsage, Gantry, ImageUsage, VolumeUsage } = usage
  const images = (ImageUsage?.Items ?? []) as ImageSummary[]
  return {
    ...(ImageUsage === undefined
      ? {}
      : {
          LayersSize: ImageUsage.TotalSize ?? 0,
          Images: client.speaks('1.44')
            ? images
            : images.map((image) => ({ ...image, VirtualSize: image.Size })),
        }),
    ...(ContainerUsage === undefined ? {} : { Containers: ContainerUsage.Items ?? [] }),
    ...(VolumeUsage === undefined ? {} : { Volumes: VolumeUsage.Items ?? [] }),
    ...(BuildCacheUsage === undefined ? {} : { BuildCache: BuildCacheUsage.Items ?? [] }),
    // clients of Docker pass over keys that they do not know
    ...(Gantry === undefined ? {} : { Gantry }),
  }
}

/**
 * The events in the client's version: until 1.52 those of containers and images were told twice, until 1.46 not all. Who
 * names no version is told twice, too: tools on dockerode (docker-loghose, docker-stats) name none and read `status`.
 */
export async function* eventsFor(
  client: Spoken & Pick<Call, 'namesVersion'>,
  events: AsyncIterable<EventMessage>,
): AsyncGenerator<unknown> {
  if (client.speaks('1.52') && client.namesVersion) {
    yield* events
    return
  }
  const knowsCreation = client.speaks('1.46')
  for await (const event of events) {
    const { Action, Actor, Type } = event
    if (Type === 'image' && Action === 'create' && !knowsCreation) continue
    if (Type === 'container')
      yield { status: Action, id: Actor?.ID, from: Actor?.Attributes?.image ?? '', ...event }
    else if (Type === 'image') yield { status: Action, id: Actor?.ID, ...event }
    else yield event
  }
}
