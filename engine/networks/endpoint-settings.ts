import { InvalidParameterError } from '../errors.ts'
import type { EndpointSettings } from '../types/docker.ts'
import { isInterfaceName } from './create.ts'
import type { Endpoint, Network } from './network.ts'
import type { SandboxRequest } from './sandbox.ts'

const IFNAME = 'com.docker.network.endpoint.ifname'

/**
 * Refuses, by name, what an endpoint of this network cannot have.
 *
 * @throws INVALID_PARAMETER
 */
export function checkEndpointSettings(network: Network, settings: EndpointSettings): void {
  const { IPAMConfig, MacAddress, DriverOpts, Aliases } = settings
  if (IPAMConfig?.IPv6Address) {
    throw new InvalidParameterError('IPAMConfig.IPv6Address: IPv6 networks are not implemented')
  }
  if ((IPAMConfig?.LinkLocalIPs ?? []).length > 0) {
    throw new InvalidParameterError(
      'IPAMConfig.LinkLocalIPs: link-local addresses are not implemented',
    )
  }
  if (IPAMConfig?.IPv4Address) {
    if (network.isPredefined) {
      throw new InvalidParameterError(
        'user-specified IP address is supported on user-defined networks only',
      )
    }
    if (network.document.bridge?.subnetChosen !== true) {
      throw new InvalidParameterError(
        'user specified IP address is supported only when connecting to networks with user configured subnets',
      )
    }
    network.pool?.check(IPAMConfig.IPv4Address)
  }
  if (MacAddress) checkMac(MacAddress)
  for (const [name, value] of Object.entries(DriverOpts ?? {})) {
    if (name !== IFNAME)
      throw new InvalidParameterError(`DriverOpts: the bridge driver does not know "${name}"`)
    if (!isInterfaceName(value) || value === 'lo') {
      throw new InvalidParameterError(`DriverOpts: ${name}: "${value}" is no interface name`)
    }
  }
  if (network.isPredefined && (Aliases ?? []).length > 0) {
    throw new InvalidParameterError(
      'network-scoped aliases are only supported for user-defined networks',
    )
  }
}

/** @throws INVALID_PARAMETER */
export function checkMac(mac: string): void {
  const valid = /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(mac)
  // the lowest bit of the first byte is that of groups
  if (!valid || (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) {
    throw new InvalidParameterError(`invalid MAC address: ${mac}`)
  }
}

/** The interface's name inside: asked for, or the network's prefix with the first free number. */
export function interfaceNameOf(
  network: Network,
  settings: EndpointSettings,
  taken: readonly string[],
): string {
  const wanted = settings.DriverOpts?.[IFNAME]
  if (wanted !== undefined) {
    if (taken.includes(wanted))
      throw new InvalidParameterError(`interface name ${wanted} is used twice`)
    return wanted
  }
  for (let index = 0; ; index++) {
    const name = `${network.bridge.interfacePrefix}${index}`
    if (!taken.includes(name)) return name
  }
}

/** What a container is called in a network: its name, the aliases asked for, its short ID and its hostname. */
export function dnsNamesOf(request: SandboxRequest, settings: EndpointSettings): string[] {
  const names = [
    request.name.replace(/^\//, ''),
    ...(settings.Aliases ?? []),
    request.id.slice(0, 12),
    request.hostname,
  ]
  return [...new Set(names.filter((name) => name !== ''))]
}

/** The settings as they really are, for inspect and for the next engine. */
export function settingsOf(
  network: Network,
  asked: EndpointSettings,
  endpoint: Endpoint,
): EndpointSettings {
  return {
    IPAMConfig: asked.IPAMConfig ?? null,
    ...(asked.Links !== undefined && { Links: asked.Links }),
    ...(asked.Aliases?.length && { Aliases: asked.Aliases }),
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    MacAddress: endpoint.mac,
    NetworkID: network.id,
    EndpointID: endpoint.id,
    Gateway: network.document.internal ? '' : network.bridge.gateway,
    IPAddress: endpoint.ip,
    IPPrefixLen: endpoint.prefixLength,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    ...(network.hasDns && { DNSNames: endpoint.dnsNames }),
  }
}
