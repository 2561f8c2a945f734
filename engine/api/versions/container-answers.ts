import type { ContainerInspection } from '../../contract/containers.ts'
import type { ContainerSummary, EndpointSettings } from '../../types/docker.ts'
import type { Spoken } from './spoken.ts'

/** What was told beside the networks until 1.52: the default bridge's endpoint. */
const OF_BRIDGE = [
  'EndpointID',
  'Gateway',
  'GlobalIPv6Address',
  'GlobalIPv6PrefixLen',
  'IPAddress',
  'IPPrefixLen',
  'IPv6Gateway',
  'MacAddress',
] as const satisfies (keyof EndpointSettings)[]

/** The list of containers in the client's version; the newest takes it as it is. */
export function containersFor(client: Spoken, list: ContainerSummary[]): ContainerSummary[] {
  if (client.speaks('1.52')) return list
  const withAnnotations = client.speaks('1.46')
  const withManifest = client.speaks('1.48')
  return list.map(({ Health: _health, ImageManifestDescriptor, ...summary }) => {
    if (withManifest && ImageManifestDescriptor !== undefined)
      return { ...summary, ImageManifestDescriptor }
    if (withAnnotations || summary.HostConfig?.Annotations === undefined) return summary
    const { Annotations: _annotations, ...hostConfig } = summary.HostConfig
    return { ...summary, HostConfig: hostConfig }
  })
}

/** One container in the client's version; the newest takes it as it is. */
export function containerFor(client: Spoken, container: ContainerInspection): unknown {
  if (client.speaks('1.52')) return withoutMac(container)
  const { ImageManifestDescriptor, ...told } = container
  const networks = container.NetworkSettings?.Networks ?? {}
  const { bridge } = networks
  return {
    ...told,
    ...(ImageManifestDescriptor !== undefined && client.speaks('1.48')
      ? { ImageManifestDescriptor }
      : {}),
    Config: { ...container.Config, OnBuild: container.Config?.OnBuild ?? null },
    NetworkSettings: {
      Bridge: '',
      HairpinMode: false,
      LinkLocalIPv6Address: '',
      LinkLocalIPv6PrefixLen: 0,
      SecondaryIPAddresses: null,
      SecondaryIPv6Addresses: null,
      ...Object.fromEntries(
        OF_BRIDGE.map((field) => [field, bridge?.[field] ?? (field.endsWith('Len') ? 0 : '')]),
      ),
      ...container.NetworkSettings,
      Networks: client.speaks('1.45') ? networks : withShortIds(container, networks),
    },
  }
}

function withoutMac(container: ContainerInspection): ContainerInspection {
  if (container.Config?.MacAddress === undefined) return container
  const { MacAddress: _mac, ...config } = container.Config
  return { ...container, Config: config }
}

/** Until 1.45 the aliases in a network of the user's held the short ID and the hostname, too. */
function withShortIds(
  { Config, Id = '' }: ContainerInspection,
  networks: Record<string, EndpointSettings>,
): Record<string, EndpointSettings> {
  return Object.fromEntries(
    Object.entries(networks).map(([name, endpoint]) => {
      if (name === 'bridge' || name === 'host' || name === 'none') return [name, endpoint]
      const own = [Id.slice(0, 12), Config?.Hostname ?? ''].filter((alias) => alias !== '')
      return [name, { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...own])] }]
    }),
  )
}
