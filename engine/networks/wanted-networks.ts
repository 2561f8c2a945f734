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
  const mode = parseMode(request.mode)
  const isPrimary = (network: Network): boolean =>
    mode.kind === 'network' && isAsked({ [mode.network]: {} }, network)
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
  return Object.fromEntries(
    Object.entries(networks).filter(
      ([key]) =>
        key !== network.name &&
        !(network.name === 'bridge' && key === 'default') &&
        !(key.length >= 12 && !isPredefined(key) && network.id.startsWith(key)),
    ),
  )
}

/** Whether a network is among those asked for. */
export function isAsked(networks: Record<string, EndpointSettings>, network: Network): boolean {
  return Object.keys(withoutNetwork(networks, network)).length < Object.keys(networks).length
}
