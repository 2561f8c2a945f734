import { InvalidParameterError } from '../errors.ts'
import { parseMode } from './mode.ts'
import type { Network } from './network.ts'
import type { NetworkedContainer, SandboxRequest } from './sandbox.ts'

export const NOT_TO_HOST =
  'cannot connect container to host network - container must be created in host network mode'
export const NOT_FROM_HOST =
  'cannot disconnect container from host network - container was created in host network mode'
export const SHARING_ALONE =
  'container sharing network namespace with another container or host cannot be connected to any other network'
export const NONE_ALONE =
  'container cannot be connected to multiple networks with one of the networks in private (none) mode'

/**
 * Whether a container of this mode may be put on a further network, or taken off one.
 *
 * @throws INVALID_PARAMETER in Docker's words
 * @see POST /networks/{id}/connect
 */
export function checkConnect(network: Network, container: NetworkedContainer): void {
  const mode = parseMode(container.request.mode)
  if (network.name === 'host') throw new InvalidParameterError(NOT_TO_HOST)
  if (mode.kind === 'host' || mode.kind === 'container')
    throw new InvalidParameterError(SHARING_ALONE)
  if (mode.kind === 'none' || network.name === 'none') throw new InvalidParameterError(NONE_ALONE)
}

/**
 * Refuses what cannot be said of a container that has another's network.
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
export function checkJoining(request: SandboxRequest): void {
  const conflicts: [boolean, string][] = [
    [
      Object.keys(request.portBindings).length > 0 || request.publishAll,
      'port publishing and the container type network mode',
    ],
    [
      Object.keys(request.exposedPorts).length > 0 && request.publishAll,
      'port exposing and the container type network mode',
    ],
    [
      request.links.length > 0,
      "container type network can't be used with links. This would result in undefined behavior",
    ],
    [request.dns.length > 0, 'dns and the network mode'],
    [request.extraHosts.length > 0, 'custom host-to-IP mapping and the network mode'],
    [Boolean(request.mac), 'mac-address and the network mode'],
  ]
  const conflict = conflicts.find(([holds]) => holds)
  if (conflict !== undefined) throw new InvalidParameterError(`conflicting options: ${conflict[1]}`)
  if (request.mode === `container:${request.id}`)
    throw new InvalidParameterError('cannot join own network')
}
