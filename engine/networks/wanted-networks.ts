import type { EndpointSettings } from '../types/docker.ts'
import { parseMode } from './mode.ts'
import { isPredefined, type Network } from './network.ts'
import type { NetworkRegistry } from './registry.ts'
import type { SandboxRequest } from './sandbox.ts'

/**
 * The networks a container is to be on: that of its mode first, when it has not been disconnected from it, then the others
 * by name.
 *
 * @throws NOT_FOUND or INVALID_PARAMETER when one is not there
 */
export function networksWanted(
  request: SandboxRequest,
  registry: NetworkRegistry,
): [Network, EndpointSettings][] {
  const isPrimary = (network: Network): boolean => isModeOf(request.mode, network)
  const wanted = new Map<Network, EndpointSettings>()
  for (const name of Object.keys(request.networks).sort()) {
    const network = registry.get(name === 'default' ? 'bridge' : name)
    const settings = request.networks[name] ?? {}
    const mac =
      isPrimary(network) && !settings.MacAddress && request.mac ? { MacAddress: request.mac } : {}
    wanted.set(network, { ...settings, ...mac })
  }
  return [...wanted].sort(([a], [b]) => Number(isPrimary(b)) - Number(isPrimary(a)))
}

/** What is asked for without one network: it may be there by its name or by its ID. */
export function withoutNetwork(
  networks: Record<string, EndpointSettings>,
  network: Network,
): Record<string, EndpointSettings> {
  return Object.fromEntries(Object.entries(networks).filter(([key]) => !isMeant(key, network)))
}

/** What is asked of one network. */
export function askedOf(
  networks: Record<string, EndpointSettings>,
  network: Network,
): EndpointSettings | undefined {
  return Object.entries(networks).find(([key]) => isMeant(key, network))?.[1]
}

/** Whether a network is among those asked for. */
export function isAsked(networks: Record<string, EndpointSettings>, network: Network): boolean {
  return askedOf(networks, network) !== undefined
}

/** Whether a network is the one that HostConfig.NetworkMode names. */
export function isModeOf(text: string, network: Network): boolean {
  const mode = parseMode(text)
  return mode.kind === 'network' && isMeant(mode.network, network)
}

/** A network's name, or its ID or the beginning of that. */
function isMeant(key: string, network: Network): boolean {
  if (key === network.name) return true
  if (network.name === 'bridge' && key === 'default') return true
  return key.length >= 12 && !isPredefined(key) && network.id.startsWith(key)
}
