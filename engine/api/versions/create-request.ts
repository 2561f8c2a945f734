import type { ContainerCreateConfig } from '../../contract/containers.ts'
import { InvalidParameterError } from '../../errors.ts'
import type { EndpointSettings, HostConfig, Mount } from '../../types/docker.ts'
import type { ContainerCreateBody } from '../container-bodies.ts'
import type { Spoken } from './spoken.ts'

type Endpoints = Record<string, EndpointSettings>

/**
 * The container that a body of POST /containers/create means in the client's version of the API: what came later than
 * that version is taken out or refused, defaults are those of then, and fields that are gone since find their new place.
 *
 * @throws INVALID_PARAMETER in Docker's words
 * @see moby: api/docs/CHANGELOG.md and daemon/server/router/container/container_routes.go
 */
export function createRequestOf(
  body: ContainerCreateBody,
  client: Spoken,
  host: { unifiedCgroups: boolean },
): { config: ContainerCreateConfig; warnings: string[] } {
  const { MacAddress, HostConfig: asked = {}, NetworkingConfig, ...config } = body
  const { Capabilities, KernelMemory, KernelMemoryTCP, ...hostConfig } = asked
  const warnings: string[] = []
  if (Capabilities !== undefined && Capabilities.length > 0 && speaksOnly(client, '1.40', '1.41')) {
    throw new InvalidParameterError(
      'the HostConfig.Capabilities field is not supported by this daemon; use CapAdd and CapDrop to set capabilities',
    )
  }
  warnings.push(...kernelMemoryWarnings({ KernelMemory, KernelMemoryTCP }, client))
  const mode = isDefault(hostConfig.NetworkMode) ? 'bridge' : hostConfig.NetworkMode
  hostConfig.NetworkMode = mode
  const endpoints = endpointsOf(NetworkingConfig?.EndpointsConfig ?? {})

  if (!client.speaks('1.40') && !hostConfig.IpcMode) hostConfig.IpcMode = 'shareable'
  if (!client.speaks('1.41') && hostConfig.CgroupnsMode === undefined && !host.unifiedCgroups)
    hostConfig.CgroupnsMode = 'host'
  if (!client.speaks('1.42')) delete hostConfig.ConsoleSize
  if (!client.speaks('1.43')) delete hostConfig.Annotations
  if (!client.speaks('1.44')) {
    delete config.Healthcheck?.StartInterval
    if (Object.keys(endpoints).length > 1) {
      throw new InvalidParameterError(
        `Container cannot be created with multiple network endpoints: ${Object.keys(endpoints).join(', ')}`,
      )
    }
  }
  if (!client.speaks('1.48')) for (const one of Object.values(endpoints)) delete one.GwPriority
  for (const mount of hostConfig.Mounts ?? []) adaptMount(mount, client)
  // whatever the sign, it asked for no limit
  if (hostConfig.PidsLimit !== undefined && hostConfig.PidsLimit <= 0) delete hostConfig.PidsLimit

  warnings.push(
    ...volumeDriverWarnings(hostConfig, client),
    ...placeMacAddress(MacAddress, mode ?? 'bridge', endpoints, client),
    ...fillPortBindings(hostConfig, client),
  )
  return {
    config: {
      ...config,
      HostConfig: hostConfig,
      ...(Object.keys(endpoints).length === 0
        ? {}
        : { NetworkingConfig: { EndpointsConfig: endpoints } }),
    },
    warnings,
  }
}

/** Limits of kernel memory, which no kernel of today sets; clients that do not know it are told. */
export function kernelMemoryWarnings(
  limits: { KernelMemory?: number | undefined; KernelMemoryTCP?: number | undefined },
  client: Spoken,
): string[] {
  const discarded = (what: string): string =>
    `Your kernel does not support ${what} limit capabilities or the cgroup is not mounted. Limitation discarded.`
  return [
    ...(limits.KernelMemory && !client.speaks('1.42') ? [discarded('kernel memory')] : []),
    ...(limits.KernelMemoryTCP && speaksOnly(client, '1.40', '1.52')
      ? [discarded('kernel memory TCP')]
      : []),
  ]
}

function speaksOnly(client: Spoken, from: string, before: string): boolean {
  return client.speaks(from) && !client.speaks(before)
}

function isDefault(mode: string | undefined): boolean {
  return mode === undefined || mode === '' || mode === 'default'
}

function endpointsOf(asked: Endpoints): Endpoints {
  const { default: byDefault, ...named } = asked
  return byDefault === undefined ? named : { ...named, bridge: byDefault }
}

/** @throws INVALID_PARAMETER for options of another type of mount, and for what came after the client's version */
function adaptMount(mount: Mount, client: Spoken): void {
  const type = mount.Type ?? ''
  if (client.speaks('1.42')) {
    const others = { BindOptions: 'bind', VolumeOptions: 'volume', TmpfsOptions: 'tmpfs' } as const
    for (const [options, owner] of Object.entries(others)) {
      if (mount[options as keyof typeof others] !== undefined && type !== owner)
        throw new InvalidParameterError(`${options} must not be specified on mount type "${type}"`)
    }
  } else {
    if (type !== 'volume') delete mount.VolumeOptions
    if (type !== 'tmpfs') delete mount.TmpfsOptions
    delete mount.BindOptions?.CreateMountpoint
  }
  if (!client.speaks('1.40')) delete mount.BindOptions?.NonRecursive
  if (!client.speaks('1.44') && mount.BindOptions?.ReadOnlyForceRecursive === true)
    throw new InvalidParameterError('BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer')
  if (!client.speaks('1.45') && mount.VolumeOptions?.Subpath)
    throw new InvalidParameterError('VolumeOptions.Subpath needs API v1.45 or newer')
  if (!client.speaks('1.46')) delete mount.TmpfsOptions?.Options
  if (!client.speaks('1.48')) {
    if (type === 'image')
      throw new InvalidParameterError('Mount type "Image" needs API v1.48 or newer')
    delete mount.ImageOptions
  }
}

function volumeDriverWarnings({ VolumeDriver, Mounts = [] }: HostConfig, client: Spoken): string[] {
  const isIgnored = Mounts.some(
    ({ Type, VolumeOptions }) => Type === 'volume' && !VolumeOptions?.DriverConfig?.Name,
  )
  if (!VolumeDriver || !client.speaks('1.48') || !isIgnored) return []
  return [
    "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead",
  ]
}

/** `MacAddress` stood beside `Image` until 1.44 and was taken there, with a warning, until 1.52. */
function placeMacAddress(
  mac: string | undefined,
  mode: string,
  endpoints: Endpoints,
  client: Spoken,
): string[] {
  if (!mac) {
    if (!client.speaks('1.44')) for (const one of Object.values(endpoints)) delete one.MacAddress
    return []
  }
  if (client.speaks('1.52')) {
    throw new InvalidParameterError(
      'container-wide MAC address no longer supported; use endpoint-specific MAC address instead',
    )
  }
  const hasNetwork = mode !== 'host' && mode !== 'none' && !mode.startsWith('container:')
  if (!client.speaks('1.44')) {
    if (!hasNetwork)
      throw new InvalidParameterError('conflicting options: mac-address and the network mode')
    endpointFor(mode, endpoints, client).MacAddress = mac
    return []
  }
  if (hasNetwork) {
    const endpoint = endpointFor(mode, endpoints, client)
    if (endpoint.MacAddress && endpoint.MacAddress.toLowerCase() !== mac.toLowerCase()) {
      throw new InvalidParameterError(
        'the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
      )
    }
    endpoint.MacAddress = mac
  }
  return [
    'The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.',
  ]
}

/** Old clients have one endpoint at most, which then is the one, whatever it is called. */
function endpointFor(mode: string, endpoints: Endpoints, client: Spoken): EndpointSettings {
  const [first] = Object.values(endpoints)
  if (first === undefined) return (endpoints[mode] = {})
  const found = client.speaks('1.44') ? endpoints[mode] : first
  if (found !== undefined) return found
  throw new InvalidParameterError(
    'HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks',
  )
}

/** A port with an empty list of bindings is published on a port that the host has free. */
function fillPortBindings({ PortBindings }: HostConfig, client: Spoken): string[] {
  const empty = Object.entries(PortBindings ?? {})
    .filter(([, bindings]) => bindings === null || bindings.length === 0)
    .map(([port]) => port)
  for (const port of empty) if (PortBindings !== undefined) PortBindings[port] = [{}]
  if (empty.length === 0 || !client.speaks('1.52')) return []
  return [
    `Following container port(s) have an empty list of port-bindings: ${empty.join(', ')}. Such bindings will be discarded in a future version.`,
  ]
}
