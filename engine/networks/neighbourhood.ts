import os from 'node:os'
import { ConflictError, InvalidParameterError } from '../errors.ts'
import type { Zone } from './dns-server.ts'
import { parseExtraHost, renderHosts } from './hosts-file.ts'
import { plainName, type Live, type Route } from './live.ts'
import { isUserDefined } from './mode.ts'
import type { Endpoint, Network } from './network.ts'
import type { NetworkRegistry } from './registry.ts'
import type { ContainerNetworkHooks, NetworkedContainer, SandboxRequest } from './sandbox.ts'
import { askedOf, isModeOf } from './wanted-networks.ts'

/**
 * What a container sees of its neighbours: which of its networks comes first, what the name server answers it, and what
 * stands in its hosts file. Reads only; nothing of it touches the kernel.
 */
export class Neighbourhood {
  readonly #registry: NetworkRegistry
  readonly #containers: ContainerNetworkHooks

  constructor(registry: NetworkRegistry, containers: ContainerNetworkHooks) {
    this.#registry = registry
    this.#containers = containers
  }

  /** Those of a container with the gateway's first. */
  networksOf(live: Live): Network[] {
    return [...live.endpoints.keys()]
      .flatMap((id) => this.#registry.byId(id) ?? [])
      .sort((a, b) => this.#byGatewayPriority(live, a, b))
  }

  /** The endpoint of the default route: the highest GwPriority, then the first by name; never of an internal network. */
  gatewayOf(live: Live): { network: Network; endpoint: Endpoint } | undefined {
    for (const network of this.networksOf(live)) {
      const endpoint = live.endpoints.get(network.id)
      if (endpoint !== undefined && !network.document.internal) return { network, endpoint }
    }
    return undefined
  }

  routeOf(live: Live): Route | undefined {
    const gateway = this.gatewayOf(live)
    return gateway && { gateway: gateway.network.bridge.gateway, link: gateway.endpoint.name }
  }

  zoneOf(live: Live): Zone {
    return {
      addressesOf: (name) => this.#addressesOf(live, name),
      nameOf: (ip) => {
        for (const network of this.networksOf(live)) {
          const endpoint = network.hasDns ? network.endpointAt(ip) : undefined
          if (endpoint !== undefined) return `${endpoint.containerName}.${network.name}`
        }
        return undefined
      },
      // a container without a way out gets no way out by name lookups either
      upstream: () => (this.gatewayOf(live) === undefined ? [] : live.upstream),
    }
  }

  renderHosts(live: Live): string {
    const { request, endpoints } = live
    const defaultBridge = this.#registry.get('bridge')
    const isLinked = endpoints.has(defaultBridge.id) && !isUserDefined(request.mode)
    const links = isLinked
      ? request.links.map((link) => {
          const { container, alias } = this.linkTarget(link)
          const endpoint = defaultBridge.endpoints.get(container.id)
          if (endpoint === undefined) {
            throw new ConflictError(
              `Cannot link to a non running container: /${plainName(container.name)} AS /${plainName(request.name)}/${alias}`,
            )
          }
          const names = [alias, container.request.hostname, plainName(container.name)]
          return { ip: endpoint.ip, names: [...new Set(names)] }
        })
      : []
    return renderHosts({
      extra: request.extraHosts.map(parseExtraHost),
      hostGateway: this.hostGateway('host-gateway'),
      links,
      own: {
        ips: this.networksOf(live).flatMap((network) => endpoints.get(network.id)?.ip ?? []),
        hostname: request.hostname === '' ? os.hostname() : request.hostname,
        domainname: request.domainname,
      },
    })
  }

  hostGateway(ip: string): string {
    return ip === 'host-gateway' ? this.#registry.get('bridge').bridge.gateway : ip
  }

  /** Whether one of the links of a container leads to that one. */
  isLinkedTo(live: Live, id: string): boolean {
    return live.request.links.some(
      (link) => this.#containers.find(parseLink(link).target)?.id === id,
    )
  }

  #addressesOf(live: Live, name: string): string[] | undefined {
    for (const network of this.networksOf(live)) {
      if (!network.hasDns) continue
      const suffix = `.${network.name.toLowerCase()}`
      const plain = name.toLowerCase().endsWith(suffix) ? name.slice(0, -suffix.length) : undefined
      for (const candidate of plain === undefined ? [name] : [name, plain]) {
        const linked = this.#linkedEndpoint(live, network, candidate)
        const found = linked === undefined ? network.endpointsNamed(candidate) : [linked]
        if (found.length > 0) return found.map((endpoint) => endpoint.ip)
      }
    }
    return undefined
  }

  /** A link's alias is the caller's own name for another container, on the one network that it was given for. */
  #linkedEndpoint(live: Live, network: Network, alias: string): Endpoint | undefined {
    for (const link of linksOn(network, live.request)) {
      const { target, alias: given } = parseLink(link)
      if (given.toLowerCase() !== alias.toLowerCase()) continue
      const container = this.#containers.find(target)
      const endpoint = container === undefined ? undefined : network.endpoints.get(container.id)
      if (endpoint !== undefined) return endpoint
    }
    return undefined
  }

  linkTarget(link: string): { container: NetworkedContainer; alias: string } {
    const { target, alias } = parseLink(link)
    const container = this.#containers.find(target)
    if (container === undefined)
      throw new InvalidParameterError(`could not get container for ${target}`)
    return { container, alias }
  }

  #byGatewayPriority(live: Live, a: Network, b: Network): number {
    const priorityOf = (network: Network): number =>
      live.sandbox.networks[network.name]?.GwPriority ?? 0
    if (priorityOf(a) !== priorityOf(b)) return priorityOf(b) - priorityOf(a)
    return a.name < b.name ? -1 : 1
  }
}

/** Those given with the endpoint, and with the container (HostConfig) where it is the network of its mode. */
function linksOn(network: Network, { links, mode, networks }: SandboxRequest): string[] {
  const given = askedOf(networks, network)?.Links ?? []
  return isModeOf(mode, network) ? [...given, ...links] : given
}

/** `container[:alias]`; Docker also stores `/container:/me/alias`. */
function parseLink(link: string): { target: string; alias: string } {
  const [target = '', alias = target] = link.split(':')
  if (target === '' || alias === '' || link.split(':').length > 2) {
    throw new InvalidParameterError(`bad format for links: ${link}`)
  }
  return { target: plainName(target), alias: alias.split('/').at(-1) ?? alias }
}
