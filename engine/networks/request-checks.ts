import { InvalidParameterError } from '../errors.ts'
import { checkEndpointSettings, checkMac } from './endpoint-settings.ts'
import { parseExtraHost } from './hosts-file.ts'
import { checkJoining, NOT_TO_HOST, NONE_ALONE, SHARING_ALONE } from './mode-checks.ts'
import { isUserDefined, parseMode } from './mode.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import { planPorts } from './ports.ts'
import type { NetworkRegistry } from './registry.ts'
import { checkDnsWishes } from './resolv-conf.ts'
import type { SandboxRequest } from './sandbox.ts'
import { networksWanted } from './wanted-networks.ts'

/**
 * Refuses, by name, what a container asks of the network and cannot have.
 *
 * @throws INVALID_PARAMETER or NOT_FOUND
 */
export function checkRequest(
  request: SandboxRequest,
  registry: NetworkRegistry,
  neighbours: Neighbourhood,
): void {
  const mode = parseMode(request.mode)
  checkDnsWishes(request)
  request.extraHosts.forEach(parseExtraHost)
  planPorts(request)
  if (request.mac) checkMac(request.mac)
  if (mode.kind === 'container') checkJoining(request)
  if (mode.kind === 'host' && request.links.length > 0) {
    throw new InvalidParameterError(
      "conflicting options: host type networking can't be used with links",
    )
  }
  const others = Object.keys(request.networks).filter((name) => name !== request.mode)
  if (mode.kind !== 'network') {
    if (others.length > 0)
      throw new InvalidParameterError(mode.kind === 'none' ? NONE_ALONE : SHARING_ALONE)
    return
  }
  for (const [network, settings] of networksWanted(request, registry)) {
    if (network.document.bridge === undefined) {
      throw new InvalidParameterError(network.name === 'none' ? NONE_ALONE : NOT_TO_HOST)
    }
    checkEndpointSettings(network, settings)
  }
  if (!isUserDefined(request.mode)) for (const link of request.links) neighbours.linkTarget(link)
}
