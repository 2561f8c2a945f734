import type { EndpointSettings } from '../types/docker.ts'
import { parseMode } from './mode.ts'
import { isPredefined, type Network } from './network.ts'
import type { NetworkRegistry } from './registry.ts'
import type { SandboxRequest } from './sandbox.ts'

/**
 * The networks a container is to be on: that of its mode first, then the others by name.
 *
 * @throws NOT_FOUND or INVALID_PARAMETER when one is not there
 */
export function networksWanted(
  request: SandboxRequest,
  registry: NetworkRegistry,
): [Network, EndpointSettings][] {
  const mode = parseMode(request.mode)
  const primary = mode.kind === 'network' ? registry.get(mode.network) : undefined
  const wanted = new Map<Network, EndpointSettings>()
  if (primary !== undefined) wanted.set(primary, {})
  for (const name of Object.keys(request.networks).sort()) {
    const network = registry.get(name === 'default' ? 'bridge' : name)
    const settings = request.networks[name] ?? {}
    const mac =
      network === primary && !settings.MacAddress && request.mac ? { MacAddress: request.mac } : {}
    wanted.set(network, { ...settings, ...mac })
  }
  if (primary !== undefined && request.mac && !wanted.get(primary)?.MacAddress) {
    wanted.set(primary, { ...wanted.get(primary), MacAddress: request.mac })
  }
  return [...wanted]
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
