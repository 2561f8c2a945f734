import type { EndpointSettings } from '../types/docker.ts'
import { dnsNamesOf, interfaceNameOf, settingsOf } from './endpoint-settings.ts'
import { macOf } from './ipv4.ts'
import { newVethName } from './link-names.ts'
import { newEndpointId, plainName, type Live } from './live.ts'
import type { Endpoint, Network } from './network.ts'
import type { NetworkEvents, SandboxRequest } from './sandbox.ts'

/**
 * Gives a container an address and names on a network; the pair of interfaces is made from what this answers.
 *
 * @param linkPrefix of the names of this instance's interfaces
 * @throws CONFLICT or UNAVAILABLE when the address is taken, or none is left
 */
export function takeEndpoint(
  live: Live,
  network: Network,
  settings: EndpointSettings,
  linkPrefix: string,
): Endpoint {
  const { request, sandbox } = live
  const id = newEndpointId()
  const taken = Object.values(sandbox.links).map((link) => link.name)
  const name = interfaceNameOf(network, settings, taken)
  const wantedIp = settings.IPAMConfig?.IPv4Address
  const { pool, subnet } = network
  if (pool === undefined || subnet === undefined)
    throw new TypeError(`network ${network.name} has no addresses`)
  if (wantedIp) pool.reserve(wantedIp, id)
  const ip = wantedIp ? wantedIp : pool.allocate(id, `${network.name} (${network.id})`)
  const endpoint: Endpoint = {
    id,
    containerId: request.id,
    containerName: plainName(request.name),
    networkId: network.id,
    ip,
    prefixLength: subnet.prefixLength,
    mac: settings.MacAddress ? settings.MacAddress.toLowerCase() : macOf(ip),
    name,
    veth: newVethName(linkPrefix),
    dnsNames: dnsNamesOf(request, settings),
  }
  live.endpoints.set(network.id, endpoint)
  network.attach(endpoint)
  // never in place: the container's state may hold the object we had
  live.sandbox = {
    ...sandbox,
    networks: { ...sandbox.networks, [network.name]: settingsOf(network, settings, endpoint) },
    links: { ...sandbox.links, [network.name]: { name, veth: endpoint.veth } },
  }
  return endpoint
}

/** Takes up an endpoint again that an earlier engine made, as the container's state tells it. */
export function adoptEndpoint(
  live: Live,
  network: Network,
  settings: EndpointSettings,
  warn: (message: string, error: unknown) => void,
): void {
  const { request, sandbox } = live
  const link = sandbox.links[network.name]
  if (link === undefined || !settings.IPAddress) return
  const endpoint: Endpoint = {
    id: settings.EndpointID ?? newEndpointId(),
    containerId: request.id,
    containerName: plainName(request.name),
    networkId: network.id,
    ip: settings.IPAddress,
    prefixLength: settings.IPPrefixLen ?? network.subnet?.prefixLength ?? 32,
    mac: settings.MacAddress ?? macOf(settings.IPAddress),
    name: link.name,
    veth: link.veth,
    dnsNames: dnsNamesOf(request, settings),
  }
  try {
    network.pool?.reserve(endpoint.ip, endpoint.id)
  } catch (error) {
    // the subnet was changed under it
    warn(`container ${request.id} has ${endpoint.ip} on network ${network.label}`, error)
  }
  live.endpoints.set(network.id, endpoint)
  network.attach(endpoint)
}

/** Gives address and names back. The interfaces are the caller's to remove. */
export function dropEndpoint(live: Live, network: Network, endpoint: Endpoint): void {
  network.detach(live.request.id)
  network.pool?.release(endpoint.ip, endpoint.id)
  live.endpoints.delete(network.id)
  forgetEndpoint(live, network.name)
}

/** Takes what is on record of a network out of a container's sandbox. */
export function forgetEndpoint(live: Live, networkName: string): void {
  live.sandbox = {
    ...live.sandbox,
    networks: without(live.sandbox.networks, networkName),
    links: without(live.sandbox.links, networkName),
  }
}

/** A record less one of its keys. */
export function without<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))
}

/** Notes a container on a network of which it has no endpoint, only its place in the list. */
export function enroll(network: Network, request: SandboxRequest, endpointId: string): void {
  network.members.set(request.id, { containerName: plainName(request.name), endpointId })
}

export function emitEndpoint(
  events: NetworkEvents,
  action: 'connect' | 'disconnect',
  network: Network,
  containerId: string,
): void {
  events.emit('network', action, network.id, {
    container: containerId,
    name: network.name,
    type: network.document.driver,
  })
}
