import fs from 'node:fs'
import { EngineError, errorMessage } from '../errors.ts'
import { deleteLink, linkStateRequest } from '../netlink/link.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { settleAll } from '../settle-all.ts'
import type { EndpointSettings } from '../types/docker.ts'
import { bridgeTrafficIsFiltered } from './bridge.ts'
import { DnsServer } from './dns-server.ts'
import { dropEndpoint, forgetEndpoint, takeEndpoint } from './endpoints.ts'
import type { Firewall } from './firewall.ts'
import { isSameRoute, plainName, type Live } from './live.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { Endpoint, Network } from './network.ts'
import {
  holdAgain,
  holdPorts,
  planPorts,
  portMapOf,
  publicationsOf,
  releasePorts,
} from './ports.ts'
import { planResolvConf, readHostResolvConf } from './resolv-conf.ts'
import { insideNetns, openNetns, plug, setDefaultRoute } from './veth.ts'

/**
 * What a container's endpoints are in the kernel: pairs of interfaces, the default route, published ports, and the name
 * server in its namespace.
 */
export class Wiring {
  readonly #linkPrefix: string
  readonly #netlink: NetlinkSocket
  readonly #firewall: Firewall
  readonly #neighbours: Neighbourhood
  readonly #warn: (message: string, error?: unknown) => void

  /** @param parts.linkPrefix of the names of this instance's interfaces */
  constructor(parts: {
    linkPrefix: string
    netlink: NetlinkSocket
    firewall: Firewall
    neighbours: Neighbourhood
    warn: (message: string, error?: unknown) => void
  }) {
    this.#linkPrefix = parts.linkPrefix
    this.#netlink = parts.netlink
    this.#firewall = parts.firewall
    this.#neighbours = parts.neighbours
    this.#warn = parts.warn
  }

  /**
   * Gives a container an endpoint on each of these networks. Addresses come first; with them known, pairs, published ports
   * and the name server are made side by side. What was made is on `live` also when this fails.
   */
  async attach(live: Live, wanted: readonly [Network, EndpointSettings][]): Promise<void> {
    const taken = wanted.map(([network, settings]): [Network, Endpoint] => [
      network,
      takeEndpoint(live, network, settings, this.#linkPrefix),
    ])
    await this.refresh(live, taken)
  }

  /**
   * Brings what follows from a container's endpoints up to date: default route, published ports, names, files.
   *
   * @param added endpoints that are to be plugged first
   */
  async refresh(live: Live, added: readonly [Network, Endpoint][] = []): Promise<void> {
    if (live.sandbox.netnsPath === undefined) return
    await settleAll([
      this.#plugAll(live, added).then(() => this.#refreshRoute(live)),
      this.#refreshPorts(live, this.#neighbours.gatewayOf(live)),
      this.#refreshNames(live),
    ])
    const ports = portMapOf(live.request.exposedPorts, live.ports)
    live.sandbox = { ...live.sandbox, ports, hosts: this.#neighbours.renderHosts(live) }
  }

  async #plugAll(live: Live, endpoints: readonly [Network, Endpoint][]): Promise<void> {
    const netnsPath = live.sandbox.netnsPath
    if (netnsPath === undefined || endpoints.length === 0) return
    const filtered =
      endpoints.some(([network]) => !network.bridge.icc) && (await bridgeTrafficIsFiltered())
    const route = this.#neighbours.routeOf(live)
    await insideNetns(netnsPath, async (inside, nsfd) => {
      for (const [network, endpoint] of endpoints) {
        const gateway = route?.link === endpoint.name ? route.gateway : undefined
        await plug(this.#netlink, inside, nsfd, {
          bridge: network.bridge.interface,
          veth: endpoint.veth,
          name: endpoint.name,
          ip: endpoint.ip,
          prefixLength: endpoint.prefixLength,
          mac: endpoint.mac,
          mtu: network.bridge.mtu,
          // where nftables does not see such packets, the bridge itself keeps neighbours apart
          isolated: !network.bridge.icc && !filtered,
          gateway,
        })
        if (gateway !== undefined) live.route = route
      }
    })
  }

  /** Takes one endpoint away again, whatever of it there is. */
  async unplug(live: Live, network: Network): Promise<void> {
    const endpoint = live.endpoints.get(network.id)
    if (endpoint === undefined) return
    await deleteLink(this.#netlink, endpoint.veth)
    dropEndpoint(live, network, endpoint)
    // the route through it has gone with it
    if (live.route !== 'none' && live.route?.link === endpoint.name) live.route = 'none'
  }

  /** The same of a network that is gone: the pair, which had no bridge any more, and what is on record. */
  async unplugLost(live: Live, networkName: string): Promise<void> {
    const link = live.sandbox.links[networkName]
    if (link !== undefined) await deleteLink(this.#netlink, link.veth)
    forgetEndpoint(live, networkName)
    // it may have led through it
    live.route = undefined
  }

  async #refreshRoute(live: Live): Promise<void> {
    const { netnsPath } = live.sandbox
    const route = this.#neighbours.routeOf(live)
    if (netnsPath === undefined || isSameRoute(live.route, route ?? 'none')) return
    await insideNetns(netnsPath, (inside) => setDefaultRoute(inside, route))
    live.route = route ?? 'none'
  }

  /** Ports lead to the endpoint that has the default route: answers leave by the way that questions came. */
  async #refreshPorts(
    live: Live,
    gateway: { network: Network; endpoint: Endpoint } | undefined,
  ): Promise<void> {
    const ip = gateway?.endpoint.ip
    if (live.ports.length > 0 && live.ports.every((port) => port.ip === ip)) return
    // moved to another endpoint, a port stays the same; without any, it is given up
    const before = live.ports
    live.ports = []
    await this.#firewall.unpublish(before)
    if (gateway === undefined || ip === undefined) {
      releasePorts(before)
      return
    }
    try {
      const held =
        before.length > 0
          ? before.map((port) => ({ ...port, ip }))
          : holdPorts(planPorts(live.request, gateway.network.bridge.hostBinding), ip)
      live.ports = held
      await this.#firewall.publish(held)
    } catch (cause) {
      throw new EngineError(
        cause instanceof EngineError ? cause.code : 'SYSTEM',
        `driver failed programming external connectivity on endpoint ${plainName(live.request.name)} ` +
          `(${gateway.endpoint.id}): ${errorMessage(cause)}`,
        { cause },
      )
    }
  }

  async #refreshNames(live: Live): Promise<void> {
    const hasNames = this.#neighbours.networksOf(live).some((network) => network.hasDns)
    const plan = planResolvConf(readHostResolvConf(), live.request, hasNames)
    live.upstream = plan.upstream
    live.sandbox = { ...live.sandbox, resolvConf: plan.text, dns: plan.embedded }
    if (plan.embedded && live.dns === undefined) {
      await this.serveNames(live)
    } else if (!plan.embedded) {
      live.dns?.close()
      delete live.dns
    }
  }

  async serveNames(live: Live): Promise<void> {
    const { netnsPath } = live.sandbox
    if (netnsPath === undefined) return
    const nsfd = openNetns(netnsPath)
    try {
      live.dns = await DnsServer.open(nsfd, this.#neighbours.zoneOf(live))
    } finally {
      fs.closeSync(nsfd)
    }
  }

  adoptPorts(live: Live): void {
    const gateway = this.#neighbours.gatewayOf(live)
    if (gateway === undefined) return
    const publications = publicationsOf(live.sandbox.ports, gateway.endpoint.ip)
    const held = holdAgain(publications)
    live.ports = publications.map((publication, index) => {
      const port = held[index]
      if (port !== undefined) return port
      this.#warn(
        `${publication.protocol} port ${publication.hostPort}, published for container ${live.request.id}, ` +
          'was taken by another program while the engine was away',
      )
      return { ...publication, fd: -1 }
    })
    this.#firewall.adopt(live.ports)
  }

  /**
   * Sets the host's ends down, so that they carry nothing for the next owner of the address: the pairs themselves go with
   * the namespace, a while after its last process.
   */
  async silence(endpoints: readonly Endpoint[]): Promise<void> {
    // one that is gone already is as good
    await this.#netlink
      .request(...endpoints.map((endpoint) => linkStateRequest(endpoint.veth, false)))
      .catch(() => undefined)
  }
}
