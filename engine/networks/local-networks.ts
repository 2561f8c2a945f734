import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { currentCaller } from '../caller.ts'
import type { Filters, NetworkCreateConfig, NetworkEngine } from '../contract.ts'
import {
  ConflictError,
  EngineError,
  errorMessage,
  ForbiddenError,
  InvalidParameterError,
  NotFoundError,
} from '../errors.ts'
import { checkFilters, matchesLabels } from '../filters.ts'
import type { Instance } from '../instance.ts'
import { listAddresses } from '../netlink/address.ts'
import { deleteLink, linkStateRequest, listLinks } from '../netlink/link.ts'
import { listRoutes } from '../netlink/route.ts'
import { NetlinkSocket } from '../netlink/socket.ts'
import type {
  EndpointSettings,
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  NetworkInspect,
} from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import { pruneUntil } from '../until.ts'
import { bridgeTrafficIsFiltered, enableForwarding, ensureBridge } from './bridge.ts'
import { checkNetworkName, planBridge } from './create.ts'
import { DnsServer, type Zone } from './dns-server.ts'
import type { NetworkDocument } from './document.ts'
import {
  checkEndpointSettings,
  checkMac,
  dnsNamesOf,
  interfaceNameOf,
  settingsOf,
} from './endpoint-settings.ts'
import { Firewall } from './firewall.ts'
import { parseExtraHost, renderHosts } from './hosts-file.ts'
import { fromOtherEnd, InterfaceCounters, type InterfaceStats } from './interface-stats.ts'
import { macOf, overlaps, parseIp, type Subnet } from './ipv4.ts'
import { KeyLock } from './key-lock.ts'
import { describeNetwork, filterNetworks } from './list.ts'
import { parseMode } from './mode.ts'
import { NetnsPool } from './netns-pool.ts'
import { isPredefined, type Endpoint, type Network } from './network.ts'
import {
  holdAgain,
  holdPorts,
  planPorts,
  portMapOf,
  publicationsOf,
  releasePorts,
  type HeldPort,
} from './ports.ts'
import { NetworkRegistry, newNetworkId } from './registry.ts'
import {
  checkDnsWishes,
  planResolvConf,
  readHostResolvConf,
  type ResolvConf,
} from './resolv-conf.ts'
import type {
  ContainerNetworkHooks,
  NetworkedContainer,
  NetworkEvents,
  Sandbox,
  SandboxRequest,
} from './sandbox.ts'
import { insideNetns, openNetns, plug, setDefaultRoute } from './veth.ts'

/** What a running container has of the network, with what only this process holds of it. */
interface Live {
  request: SandboxRequest
  sandbox: Sandbox
  /** By network ID. */
  endpoints: Map<string, Endpoint>
  ports: HeldPort[]
  dns?: DnsServer
  /** Where the embedded server passes other questions on to. */
  upstream: string[]
  /** The default route inside; undefined while it is not known. */
  route: Route | 'none' | undefined
}

interface Route {
  gateway: string
  link: string
}

export interface LocalNetworksOptions {
  instance: Instance
  events: NetworkEvents
  containers: ContainerNetworkHooks
  /** Told of what belongs to nobody's call. */
  warn?: (message: string, error?: unknown) => void
}

/**
 * Networks of this kernel: bridges, veth pairs, nftables and name servers.
 *
 * A container's network is made by start() before its process and taken down by stop() after it; both may be called again.
 * What start() answers is plain data that the container's state keeps: after the engine was killed, adopt() takes it up
 * again for each container that still runs, and sweep() then removes what belongs to none.
 */
export class LocalNetworks implements NetworkEngine {
  readonly #instance: Instance
  readonly #events: NetworkEvents
  readonly #containers: ContainerNetworkHooks
  readonly #warn: (message: string, error?: unknown) => void
  readonly #registry: NetworkRegistry
  readonly #netlink: NetlinkSocket
  readonly #namespaces: NetnsPool
  readonly #firewall: Firewall
  readonly #counters = new InterfaceCounters()
  readonly #live = new Map<string, Live>()
  /** By container ID for sandboxes, one for all changes of the set of networks. */
  readonly #locks = new KeyLock()
  #closed = false

  private constructor(
    options: LocalNetworksOptions,
    parts: {
      registry: NetworkRegistry
      netlink: NetlinkSocket
      namespaces: NetnsPool
      firewall: Firewall
    },
  ) {
    this.#instance = options.instance
    this.#events = options.events
    this.#containers = options.containers
    this.#warn = options.warn ?? logWarning
    this.#registry = parts.registry
    this.#netlink = parts.netlink
    this.#namespaces = parts.namespaces
    this.#firewall = parts.firewall
  }

  /**
   * Reads the networks, makes their bridges where they are missing, and readies the firewall. Asks nothing of the
   * containers yet.
   *
   * @throws SYSTEM, UNAVAILABLE or CONFLICT when this host does not let us
   */
  static async open(options: LocalNetworksOptions): Promise<LocalNetworks> {
    const { instance } = options
    const warn = options.warn ?? logWarning
    const registry = await NetworkRegistry.open(instance, warn)
    const netlink = NetlinkSocket.open()
    const firewall = new Firewall(instance.nftTable, () => registry.all(), warn)
    let namespaces: NetnsPool | undefined
    try {
      await enableForwarding()
      await refuseOverlap(netlink, registry.get('bridge'))
      for (const network of registry.all()) {
        if (network.document.bridge === undefined) continue
        try {
          await ensureBridge(netlink, network.bridge, true)
        } catch (error) {
          if (network.isPredefined) throw error
          warn(`the bridge of network ${network.label} could not be made`, error)
        }
      }
      const ours = ownLinkNames(instance)
      await firewall.open((bridge) => ours.test(bridge))
      namespaces = await NetnsPool.open(path.join(instance.runRoot, 'netns'))
      return new LocalNetworks(options, { registry, netlink, namespaces, firewall })
    } catch (error) {
      await firewall.close()
      netlink.close()
      throw error
    }
  }

  async list(filters: Filters = {}): Promise<(NetworkInspect & Attributed)[]> {
    return Promise.resolve(filterNetworks(this.#registry.all(), filters).map(describeNetwork))
  }

  async inspect(
    id: string,
    options: { verbose?: boolean; scope?: string } = {},
  ): Promise<NetworkInspect & Attributed> {
    const network = this.#registry.get(id)
    if (options.scope !== undefined && options.scope !== '' && options.scope !== 'local') {
      throw new NotFoundError(`network ${id} not found`)
    }
    return Promise.resolve(describeNetwork(network))
  }

  async create(config: NetworkCreateConfig): Promise<{ Id: string; Warning: string }> {
    return this.#locks.run('networks', async () => {
      checkNetworkName(config.Name)
      if (this.#registry.byName(config.Name) !== undefined) {
        throw new ConflictError(`network with name ${config.Name} already exists`)
      }
      const id = newNetworkId()
      const bridge = planBridge(config, {
        networks: this.#registry.all().flatMap((network) => network.subnet ?? []),
        host: await hostSubnets(this.#netlink),
        interfaceName: `${this.#instance.linkPrefix}-${id.slice(0, 10)}`,
      })
      const links = await listLinks(this.#netlink)
      if (links.some((link) => link.name === bridge.interface)) {
        throw new ConflictError(
          `interface ${bridge.interface} exists already and belongs to something else`,
        )
      }
      const document: NetworkDocument = {
        version: 1,
        id,
        name: config.Name,
        created: new Date().toISOString(),
        createdBy: currentCaller(),
        driver: 'bridge',
        internal: config.Internal ?? false,
        attachable: config.Attachable ?? false,
        options: config.Options ?? {},
        labels: config.Labels ?? {},
        bridge,
      }
      // the document first: an engine killed here makes the rest of it when it opens
      const network = await this.#registry.add(document)
      try {
        await ensureBridge(this.#netlink, bridge, false)
        await this.#firewall.networksChanged()
      } catch (error) {
        await this.#takeDown(network)
        throw error
      }
      this.#events.emit('network', 'create', id, { name: network.name, type: 'bridge' })
      return { Id: id, Warning: '' }
    })
  }

  async remove(id: string): Promise<void> {
    return this.#locks.run('networks', async () => {
      const network = this.#registry.get(id)
      if (network.isPredefined) {
        throw new ForbiddenError(`${network.name} is a pre-defined network and cannot be removed`)
      }
      if (network.endpoints.size > 0) {
        throw new ForbiddenError(
          `error while removing network: network ${network.label} has active endpoints`,
        )
      }
      await this.#takeDown(network)
      this.#events.emit('network', 'destroy', network.id, { name: network.name, type: 'bridge' })
    })
  }

  async prune(filters: Filters = {}): Promise<{ NetworksDeleted: string[] }> {
    checkFilters(filters, ['label', 'label!', 'until'])
    const until = pruneUntil(filters)
    const deleted: string[] = []
    for (const network of this.#registry.all()) {
      const { created, labels } = network.document
      if (network.isPredefined || network.endpoints.size > 0) continue
      if (Date.parse(created) / 1000 >= until || !matchesLabels(filters, labels)) continue
      try {
        await this.remove(network.id)
        deleted.push(network.name)
      } catch (error) {
        // somebody connected to it or removed it meanwhile
        if (!(error instanceof ForbiddenError || error instanceof NotFoundError)) throw error
      }
    }
    this.#events.emit('network', 'prune', '', { reclaimed: '0' })
    return { NetworksDeleted: deleted }
  }

  async connect(id: string, request: NetworkConnectRequest): Promise<void> {
    const network = this.#registry.get(id)
    const found = this.#findContainer(request.Container)
    return this.#locks.run(found.id, async () => {
      const container = this.#findContainer(found.id)
      const settings = request.EndpointConfig ?? {}
      checkConnect(network, container)
      checkEndpointSettings(network, settings)
      const asked = {
        ...withoutNetwork(container.request.networks, network),
        [network.name]: settings,
      }
      const live = this.#live.get(container.id)
      if (live === undefined) {
        await this.#containers.save(container.id, asked)
        return
      }
      if (live.endpoints.has(network.id)) {
        throw new ForbiddenError(
          `endpoint with name ${plainName(container.name)} already exists in network ${network.name}`,
        )
      }
      live.request = { ...container.request, networks: asked }
      try {
        await this.#attachAll(live, [[network, settings]])
      } catch (error) {
        await this.#unplug(live, network)
        live.request = container.request
        await this.#refresh(live).catch((again: unknown) => {
          this.#warn(`could not undo a connection of ${container.id}`, again)
        })
        throw error
      }
      await this.#containers.save(container.id, asked, live.sandbox)
      this.#emitEndpoint('connect', network, container.id)
    })
  }

  async disconnect(id: string, request: NetworkDisconnectRequest): Promise<void> {
    const network = this.#registry.get(id)
    const found = this.#containers.find(request.Container)
    if (found === undefined) {
      if (request.Force === true && (await this.#forget(network, request.Container))) return
      throw new NotFoundError(`No such container: ${request.Container}`)
    }
    return this.#locks.run(found.id, async () => {
      const container = this.#findContainer(found.id)
      if (network.name === 'host' || parseMode(container.request.mode).kind === 'host') {
        throw new InvalidParameterError(HOST_FIXED)
      }
      const asked = withoutNetwork(container.request.networks, network)
      const live = this.#live.get(container.id)
      const isAsked = Object.keys(asked).length < Object.keys(container.request.networks).length
      if (live === undefined ? !isAsked : !live.endpoints.has(network.id)) {
        throw new ForbiddenError(
          `container ${container.id} is not connected to network ${network.name}`,
        )
      }
      if (live === undefined) {
        await this.#containers.save(container.id, asked)
        return
      }
      live.request = { ...container.request, networks: asked }
      await this.#unplug(live, network)
      await this.#refresh(live)
      await this.#containers.save(container.id, asked, live.sandbox)
      this.#emitEndpoint('disconnect', network, container.id)
    })
  }

  /**
   * Looks whether a sandbox can be made of a request, at the container's creation.
   *
   * @throws INVALID_PARAMETER, NOT_FOUND or NOT_IMPLEMENTED
   */
  async check(request: SandboxRequest): Promise<void> {
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
    for (const [network, settings] of this.#wanted(request)) {
      if (network.document.bridge === undefined) {
        throw new InvalidParameterError(network.name === 'none' ? NONE_ALONE : HOST_FIXED)
      }
      checkEndpointSettings(network, settings)
    }
    for (const link of request.links) this.#linkTarget(link)
    return Promise.resolve()
  }

  /**
   * Makes a container's network, ready for its process.
   *
   * @throws after taking back what was made
   */
  async start(request: SandboxRequest): Promise<Sandbox> {
    return this.#locks.run(request.id, async () => {
      // left over from a start whose end nobody heard of
      await this.#release(request.id)
      const mode = parseMode(request.mode)
      switch (mode.kind) {
        case 'container':
          return this.#join(mode.id, request)
        case 'host':
          return this.#startOnHost(request)
        case 'none':
          return this.#startAlone(request)
        case 'network':
          return this.#startOnNetworks(request)
      }
    })
  }

  /** Takes a container's network down; fine when it has none. */
  async stop(containerId: string): Promise<void> {
    return this.#locks.run(containerId, () => this.#release(containerId))
  }

  /** Takes up again what an engine before us made for a container that still runs. */
  async adopt(containerId: string, request: SandboxRequest, sandbox: Sandbox): Promise<void> {
    return this.#locks.run(containerId, async () => {
      const mode = parseMode(request.mode)
      if (mode.kind === 'container') return
      const live = newLive(request, sandbox)
      this.#live.set(containerId, live)
      for (const [name, settings] of Object.entries(sandbox.networks)) {
        const network = this.#registry.byId(settings.NetworkID ?? '') ?? this.#registry.byName(name)
        if (network === undefined) {
          this.#warn(`container ${containerId} is on network ${name}, which is no more`)
        } else if (network.document.bridge === undefined) {
          this.#enroll(network, request, settings.EndpointID ?? newEndpointId())
        } else {
          this.#adoptEndpoint(live, network, settings)
        }
      }
      this.#adoptPorts(live)
      if (sandbox.netnsPath === undefined || !sandbox.dns) return
      const host = await readHostResolvConf()
      live.upstream = planResolvConf(host, request, true).upstream
      await this.#serveNames(live)
    })
  }

  /** Removes every namespace, pair, bridge and published port that belongs to no running container; after adopt(). */
  async sweep(liveIds: ReadonlySet<string>): Promise<void> {
    for (const id of this.#live.keys()) if (!liveIds.has(id)) await this.stop(id)
    await this.#firewall.rebuild()
    const sandboxes = [...this.#live.values()].map((live) => live.sandbox)
    await this.#namespaces.sweep(new Set(sandboxes.flatMap((sandbox) => sandbox.netnsPath ?? [])))

    const veths = new Set(
      sandboxes.flatMap((sandbox) => Object.values(sandbox.links).map((link) => link.veth)),
    )
    const bridges = new Set(
      this.#registry.all().flatMap(({ document }) => document.bridge?.interface ?? []),
    )
    const ours = ownLinkNames(this.#instance)
    for (const { name } of await listLinks(this.#netlink)) {
      if (ours.test(name) && !veths.has(name) && !bridges.has(name))
        await deleteLink(this.#netlink, name)
    }
  }

  /** Lets go of what this process holds. Networks of running containers stay, but for their names, which nobody serves. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const live of this.#live.values()) {
      live.dns?.close()
      releasePorts(live.ports)
    }
    await this.#namespaces.close()
    await this.#firewall.close()
    this.#netlink.close()
  }

  /** Takes everything off the host that this instance has put there: for tests and for an uninstall. */
  async destroyAll(): Promise<void> {
    for (const id of [...this.#live.keys()]) await this.stop(id)
    await this.sweep(new Set())
    await this.#firewall.destroy()
    for (const { document } of this.#registry.all()) {
      if (document.bridge !== undefined) await deleteLink(this.#netlink, document.bridge.interface)
    }
    await this.close()
    await this.#namespaces.destroy()
  }

  /** The container was given another name, by which it is found from now on. */
  async renamed(containerId: string, name: string): Promise<void> {
    return this.#locks.run(containerId, async () => {
      const live = this.#live.get(containerId)
      if (live === undefined) return
      live.request = { ...live.request, name }
      for (const network of this.#registry.all()) {
        const endpoint = network.detach(containerId)
        if (endpoint === undefined) {
          const member = network.members.get(containerId)
          if (member !== undefined) member.containerName = plainName(name)
          continue
        }
        const settings = live.request.networks[network.name] ?? {}
        const renamed = {
          ...endpoint,
          containerName: plainName(name),
          dnsNames: dnsNamesOf(live.request, settings),
        }
        network.attach(renamed)
        live.endpoints.set(network.id, renamed)
      }
      await this.#refresh(live)
      await this.#containers.save(containerId, live.request.networks, live.sandbox)
    })
  }

  /** A link of the container was taken away: its names are what the links that are left say. */
  async relinked(containerId: string, links: string[]): Promise<void> {
    return this.#locks.run(containerId, async () => {
      const live = this.#live.get(containerId)
      if (live === undefined) return
      live.request = { ...live.request, links }
      await this.#rewriteHosts(live)
    })
  }

  /** Who is linked to a container has its address in the hosts file. */
  #tellLinked(id: string): void {
    for (const live of this.#live.values()) {
      if (live.request.links.every((link) => this.#targetOf(link) !== id)) continue
      this.#locks
        .run(live.request.id, () => this.#rewriteHosts(live))
        .catch((error: unknown) => {
          this.#warn(`could not tell container ${live.request.id} where ${id} is`, error)
        })
    }
  }

  async #rewriteHosts(live: Live): Promise<void> {
    if (this.#live.get(live.request.id) !== live) return
    live.sandbox = { ...live.sandbox, hosts: this.#renderHosts(live) }
    await this.#containers.save(live.request.id, live.request.networks, live.sandbox)
  }

  /** Counters of a container's interfaces, as it sees them itself; none on the host's network. */
  stats(containerId: string): Record<string, InterfaceStats> {
    const live = this.#live.get(containerId)
    if (live === undefined) {
      // it may share another's network
      const container = this.#containers.find(containerId)
      const mode = container === undefined ? undefined : parseMode(container.request.mode)
      return mode?.kind === 'container' && mode.id !== containerId ? this.stats(mode.id) : {}
    }
    const stats: Record<string, InterfaceStats> = {}
    for (const { name, veth } of Object.values(live.sandbox.links)) {
      const counters = this.#counters.of(veth)
      if (counters !== undefined) stats[name] = fromOtherEnd(counters)
    }
    return stats
  }

  #join(targetId: string, { userns }: SandboxRequest): Sandbox {
    const target = this.#containers.find(targetId)
    if (target === undefined) throw new NotFoundError(`No such container: ${targetId}`)
    const sandbox =
      this.#live.get(target.id)?.sandbox ?? (target.running ? target.sandbox : undefined)
    if (sandbox === undefined) {
      throw new ConflictError(`cannot join network of a non running container: ${target.id}`)
    }
    const { userns: owner, ...joined } = sandbox
    return {
      ...joined,
      ...(userns && owner ? { userns: owner } : {}),
      networks: {},
      ports: {},
      links: {},
      dns: false,
    }
  }

  async #startOnHost(request: SandboxRequest): Promise<Sandbox> {
    const network = this.#registry.get('host')
    const [hosts, resolv] = await Promise.all([
      fs.promises.readFile('/etc/hosts', 'utf8').catch(() => '127.0.0.1\tlocalhost\n'),
      fs.promises.readFile('/etc/resolv.conf', 'utf8').catch(() => ''),
    ])
    const extra = request.extraHosts
      .map(parseExtraHost)
      .map(({ name, ip }) => `${this.#hostGateway(ip)}\t${name}\n`)
    const asksDns = request.dns.length + request.dnsSearch.length + request.dnsOptions.length > 0
    const live = newLive(request, {
      ...emptySandbox(),
      hosts: `${hosts}${hosts.endsWith('\n') ? '' : '\n'}${extra.join('')}`,
      resolvConf: asksDns ? resolvConfOnHost(await readHostResolvConf(), request) : resolv,
    })
    return this.#startAsMember(live, network)
  }

  async #startAlone(request: SandboxRequest): Promise<Sandbox> {
    const network = this.#registry.get('none')
    const live = newLive(request, await this.#ownSandbox(request))
    live.sandbox.hosts = this.#renderHosts(live)
    live.sandbox.resolvConf = resolvConfOnHost(await readHostResolvConf(), request)
    return this.#startAsMember(live, network)
  }

  /** With a network namespace of its own, and nothing in it. */
  async #ownSandbox({ userns }: SandboxRequest): Promise<Sandbox> {
    if (userns === undefined) return { ...emptySandbox(), netnsPath: await this.#namespaces.take() }
    const { netnsPath, usernsPath } = await this.#namespaces.takeOwned(userns)
    return { ...emptySandbox(), netnsPath, userns: { path: usernsPath, ids: userns.ids } }
  }

  #startAsMember(live: Live, network: Network): Sandbox {
    const endpointId = newEndpointId()
    live.sandbox.networks = { [network.name]: { NetworkID: network.id, EndpointID: endpointId } }
    live.sandbox.ports = {}
    this.#live.set(live.request.id, live)
    this.#enroll(network, live.request, endpointId)
    this.#emitEndpoint('connect', network, live.request.id)
    return live.sandbox
  }

  #enroll(network: Network, request: SandboxRequest, endpointId: string): void {
    network.members.set(request.id, { containerName: plainName(request.name), endpointId })
  }

  async #startOnNetworks(request: SandboxRequest): Promise<Sandbox> {
    const wanted = this.#wanted(request)
    for (const [network, settings] of wanted) checkEndpointSettings(network, settings)
    const live = newLive(request, await this.#ownSandbox(request))
    this.#live.set(request.id, live)
    try {
      live.route = 'none'
      await this.#attachAll(live, wanted)
    } catch (error) {
      await this.#release(request.id)
      throw error
    }
    for (const [network] of wanted) this.#emitEndpoint('connect', network, request.id)
    this.#firewall.recheck()
    this.#tellLinked(request.id)
    return live.sandbox
  }

  /** The networks a container is to be on: that of its mode first, then the others by name. */
  #wanted(request: SandboxRequest): [Network, EndpointSettings][] {
    const mode = parseMode(request.mode)
    const primary = mode.kind === 'network' ? this.#registry.get(mode.network) : undefined
    const wanted = new Map<Network, EndpointSettings>()
    if (primary !== undefined) wanted.set(primary, {})
    for (const name of Object.keys(request.networks).sort()) {
      const network = this.#registry.get(name === 'default' ? 'bridge' : name)
      const settings = request.networks[name] ?? {}
      const mac =
        network === primary && !settings.MacAddress && request.mac
          ? { MacAddress: request.mac }
          : {}
      wanted.set(network, { ...settings, ...mac })
    }
    if (primary !== undefined && request.mac && !wanted.get(primary)?.MacAddress) {
      wanted.set(primary, { ...wanted.get(primary), MacAddress: request.mac })
    }
    return [...wanted]
  }

  /**
   * Gives a container an endpoint on each of these networks. Addresses come first; with them known, pairs, published ports
   * and the name server are made side by side. What was made is on `live` also when this fails.
   */
  async #attachAll(live: Live, wanted: readonly [Network, EndpointSettings][]): Promise<void> {
    const taken = wanted.map(([network, settings]): [Network, Endpoint] => [
      network,
      this.#takeEndpoint(live, network, settings),
    ])
    await this.#refresh(live, taken)
  }

  async #plugAll(live: Live, endpoints: readonly [Network, Endpoint][]): Promise<void> {
    const netnsPath = live.sandbox.netnsPath
    if (netnsPath === undefined || endpoints.length === 0) return
    const filtered =
      endpoints.some(([network]) => !network.bridge.icc) && (await bridgeTrafficIsFiltered())
    const route = this.#routeOf(live)
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

  #takeEndpoint(live: Live, network: Network, settings: EndpointSettings): Endpoint {
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
      veth: `${this.#instance.linkPrefix}v${randomBytes(4).toString('hex')}`,
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

  #adoptEndpoint(live: Live, network: Network, settings: EndpointSettings): void {
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
      this.#warn(`container ${request.id} has ${endpoint.ip} on network ${network.label}`, error)
    }
    live.endpoints.set(network.id, endpoint)
    network.attach(endpoint)
  }

  #adoptPorts(live: Live): void {
    const gateway = this.#gatewayOf(live)
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

  /** Takes one endpoint away again, whatever of it there is. */
  async #unplug(live: Live, network: Network): Promise<void> {
    const endpoint = live.endpoints.get(network.id)
    if (endpoint === undefined) return
    await deleteLink(this.#netlink, endpoint.veth)
    this.#dropEndpoint(live, network, endpoint)
    // the route through it has gone with it
    if (live.route !== 'none' && live.route?.link === endpoint.name) live.route = 'none'
  }

  #dropEndpoint(live: Live, network: Network, endpoint: Endpoint): void {
    network.detach(live.request.id)
    network.pool?.release(endpoint.ip, endpoint.id)
    live.endpoints.delete(network.id)
    live.sandbox = {
      ...live.sandbox,
      networks: without(live.sandbox.networks, network.name),
      links: without(live.sandbox.links, network.name),
    }
  }

  /**
   * Brings what follows from a container's endpoints up to date: default route, published ports, names, files.
   *
   * @param added endpoints that are to be plugged first
   */
  async #refresh(live: Live, added: readonly [Network, Endpoint][] = []): Promise<void> {
    if (live.sandbox.netnsPath === undefined) return
    await settleAll([
      this.#plugAll(live, added).then(() => this.#refreshRoute(live)),
      this.#refreshPorts(live, this.#gatewayOf(live)),
      this.#refreshNames(live),
    ])
    const ports = portMapOf(live.request.exposedPorts, live.ports)
    live.sandbox = { ...live.sandbox, ports, hosts: this.#renderHosts(live) }
  }

  async #refreshRoute(live: Live): Promise<void> {
    const { netnsPath } = live.sandbox
    const route = this.#routeOf(live)
    if (netnsPath === undefined || isSameRoute(live.route, route ?? 'none')) return
    await insideNetns(netnsPath, (inside) => setDefaultRoute(inside, route))
    live.route = route ?? 'none'
  }

  #routeOf(live: Live): Route | undefined {
    const gateway = this.#gatewayOf(live)
    return gateway && { gateway: gateway.network.bridge.gateway, link: gateway.endpoint.name }
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
    const hasNames = this.#networksOf(live).some((network) => network.hasDns)
    const plan = planResolvConf(await readHostResolvConf(), live.request, hasNames)
    live.upstream = plan.upstream
    live.sandbox = { ...live.sandbox, resolvConf: plan.text, dns: plan.embedded }
    if (plan.embedded && live.dns === undefined) {
      await this.#serveNames(live)
    } else if (!plan.embedded) {
      live.dns?.close()
      delete live.dns
    }
  }

  async #serveNames(live: Live): Promise<void> {
    const { netnsPath } = live.sandbox
    if (netnsPath === undefined) return
    const nsfd = openNetns(netnsPath)
    try {
      live.dns = await DnsServer.open(nsfd, this.#zoneOf(live))
    } finally {
      fs.closeSync(nsfd)
    }
  }

  #zoneOf(live: Live): Zone {
    return {
      addressesOf: (name) => this.#addressesOf(live, name),
      nameOf: (ip) => {
        for (const network of this.#networksOf(live)) {
          const endpoint = network.hasDns ? network.endpointAt(ip) : undefined
          if (endpoint !== undefined) return `${endpoint.containerName}.${network.name}`
        }
        return undefined
      },
      // a container without a way out gets no way out by name lookups either
      upstream: () => (this.#gatewayOf(live) === undefined ? [] : live.upstream),
    }
  }

  #addressesOf(live: Live, name: string): string[] | undefined {
    for (const network of this.#networksOf(live)) {
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

  /** A link's alias is the caller's own name for another container. */
  #linkedEndpoint(live: Live, network: Network, alias: string): Endpoint | undefined {
    const links = [...(live.request.networks[network.name]?.Links ?? []), ...live.request.links]
    for (const link of links) {
      const { target, alias: given } = parseLink(link)
      if (given.toLowerCase() !== alias.toLowerCase()) continue
      const container = this.#containers.find(target)
      const endpoint = container === undefined ? undefined : network.endpoints.get(container.id)
      if (endpoint !== undefined) return endpoint
    }
    return undefined
  }

  /** Those of a container with the gateway's first. */
  #networksOf(live: Live): Network[] {
    return [...live.endpoints.keys()]
      .flatMap((id) => this.#registry.byId(id) ?? [])
      .sort((a, b) => this.#byGatewayPriority(live, a, b))
  }

  /** The endpoint of the default route: the highest GwPriority, then the first by name; never of an internal network. */
  #gatewayOf(live: Live): { network: Network; endpoint: Endpoint } | undefined {
    for (const network of this.#networksOf(live)) {
      const endpoint = live.endpoints.get(network.id)
      if (endpoint !== undefined && !network.document.internal) return { network, endpoint }
    }
    return undefined
  }

  #byGatewayPriority(live: Live, a: Network, b: Network): number {
    const priorityOf = (network: Network): number =>
      live.sandbox.networks[network.name]?.GwPriority ?? 0
    if (priorityOf(a) !== priorityOf(b)) return priorityOf(b) - priorityOf(a)
    return a.name < b.name ? -1 : 1
  }

  #renderHosts(live: Live): string {
    const { request, endpoints } = live
    const defaultBridge = this.#registry.get('bridge')
    const links = endpoints.has(defaultBridge.id)
      ? request.links.map((link) => {
          const { container, alias } = this.#linkTarget(link)
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
      hostGateway: this.#hostGateway('host-gateway'),
      links,
      own: {
        ips: this.#networksOf(live).flatMap((network) => endpoints.get(network.id)?.ip ?? []),
        hostname: request.hostname === '' ? os.hostname() : request.hostname,
        domainname: request.domainname,
      },
    })
  }

  #hostGateway(ip: string): string {
    return ip === 'host-gateway' ? this.#registry.get('bridge').bridge.gateway : ip
  }

  #targetOf(link: string): string | undefined {
    return this.#containers.find(parseLink(link).target)?.id
  }

  #linkTarget(link: string): { container: NetworkedContainer; alias: string } {
    const { target, alias } = parseLink(link)
    const container = this.#containers.find(target)
    if (container === undefined)
      throw new InvalidParameterError(`could not get container for ${target}`)
    return { container, alias }
  }

  /** Takes a container's network down. Every step is tried; then the first failure is thrown. */
  async #release(containerId: string): Promise<void> {
    const live = this.#live.get(containerId)
    if (live === undefined) return
    this.#live.delete(containerId)
    live.dns?.close()
    releasePorts(live.ports)
    const { netnsPath } = live.sandbox
    const endpoints = [...live.endpoints.values()]
    const steps = [
      this.#firewall.unpublish(live.ports),
      this.#silence(endpoints),
      netnsPath === undefined ? Promise.resolve() : this.#namespaces.release(netnsPath),
    ]
    await settleAll(steps).finally(() => {
      for (const endpoint of endpoints) {
        const network = this.#registry.byId(endpoint.networkId)
        if (network === undefined) continue
        this.#dropEndpoint(live, network, endpoint)
        this.#emitEndpoint('disconnect', network, containerId)
      }
      for (const network of this.#registry.all()) {
        if (network.members.delete(containerId))
          this.#emitEndpoint('disconnect', network, containerId)
      }
    })
  }

  /**
   * Sets the host's ends down, so that they carry nothing for the next owner of the address: the pairs themselves go with
   * the namespace, a while after its last process.
   */
  async #silence(endpoints: readonly Endpoint[]): Promise<void> {
    // one that is gone already is as good
    await this.#netlink
      .request(...endpoints.map((endpoint) => linkStateRequest(endpoint.veth, false)))
      .catch(() => undefined)
  }

  /** Removes a network from the firewall, the kernel and the disk, in an order that a killed engine can end. */
  async #takeDown(network: Network): Promise<void> {
    await deleteLink(this.#netlink, network.bridge.interface)
    await this.#registry.remove(network)
    await this.#firewall.networksChanged(network.bridge.interface)
  }

  /** A forced disconnect of a container that is not in the table any more. */
  async #forget(network: Network, nameOrId: string): Promise<boolean> {
    for (const endpoint of network.endpoints.values()) {
      if (
        endpoint.containerName !== plainName(nameOrId) &&
        !endpoint.containerId.startsWith(nameOrId)
      )
        continue
      await this.stop(endpoint.containerId)
      return true
    }
    return false
  }

  #findContainer(nameOrId: string): NetworkedContainer {
    const container = this.#containers.find(nameOrId)
    if (container === undefined) throw new NotFoundError(`No such container: ${nameOrId}`)
    return container
  }

  #emitEndpoint(action: 'connect' | 'disconnect', network: Network, containerId: string): void {
    this.#events.emit('network', action, network.id, {
      container: containerId,
      name: network.name,
      type: network.document.driver,
    })
  }
}

const HOST_FIXED = 'container cannot be disconnected from host network or connected to host network'
const SHARING_ALONE =
  'container sharing network namespace with another container or host cannot be connected to any other network'
const NONE_ALONE =
  'container cannot be connected to multiple networks with one of the networks in private (none) mode'

function checkConnect(network: Network, container: NetworkedContainer): void {
  const mode = parseMode(container.request.mode)
  if (network.name === 'host') throw new InvalidParameterError(HOST_FIXED)
  if (mode.kind === 'host' || mode.kind === 'container') throw new ForbiddenError(SHARING_ALONE)
  if (mode.kind === 'none' || network.name === 'none') throw new ForbiddenError(NONE_ALONE)
}

/** What cannot be said of a container that has another's network. */
function checkJoining(request: SandboxRequest): void {
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

/** What this instance calls its links: host's ends of pairs, and bridges of user-defined networks. */
function ownLinkNames(instance: Instance): RegExp {
  return new RegExp(`^${instance.linkPrefix}(v[0-9a-f]{8}|-[0-9a-f]{10})$`)
}

/** `container[:alias]`; Docker also stores `/container:/me/alias`. */
function parseLink(link: string): { target: string; alias: string } {
  const [target = '', alias = target] = link.split(':')
  if (target === '' || alias === '' || link.split(':').length > 2) {
    throw new InvalidParameterError(`bad format for links: ${link}`)
  }
  return { target: plainName(target), alias: alias.split('/').at(-1) ?? alias }
}

function plainName(name: string): string {
  return name.replace(/^\//, '')
}

function newEndpointId(): string {
  return randomBytes(32).toString('hex')
}

function emptySandbox(): Sandbox {
  return { networks: {}, ports: {}, hosts: '', resolvConf: '', links: {}, dns: false }
}

function newLive(request: SandboxRequest, sandbox: Sandbox): Live {
  return {
    request,
    sandbox: { ...sandbox },
    endpoints: new Map(),
    ports: [],
    upstream: [],
    route: undefined,
  }
}

function resolvConfOnHost(host: ResolvConf, request: SandboxRequest): string {
  const nameservers = request.dns.length > 0 ? request.dns : host.nameservers
  // named outright, loopback ones too: in this namespace they are the host's, or nobody's
  return planResolvConf(host, { ...request, dns: nameservers }, false).text
}

function isSameRoute(a: Live['route'], b: Live['route']): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return a.gateway === b.gateway && a.link === b.link
}

function without<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))
}

/** Endpoint settings asked for may be by a network's name or ID. */
function withoutNetwork(
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

/** Waits for all of them, then throws what the first that failed has thrown: nothing goes on behind an undo's back. */
async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Where the host is already; a subnet chosen by us stays clear of it. */
async function hostSubnets(netlink: NetlinkSocket): Promise<Subnet[]> {
  const [routes, addresses, resolvers] = await Promise.all([
    listRoutes(netlink),
    listAddresses(netlink),
    readHostResolvConf(),
  ])
  const at = (ip: string, prefixLength: number): Subnet[] => {
    const base = parseIp(ip)
    return base === undefined
      ? []
      : [{ base: base - (base % 2 ** (32 - prefixLength)), prefixLength }]
  }
  return [
    ...routes
      .filter((route) => route.prefixLength > 0)
      .flatMap((route) => at(route.destination, route.prefixLength)),
    ...addresses.flatMap((address) => at(address.ip, address.prefixLength)),
    ...resolvers.nameservers.flatMap((ip) => at(ip, 32)),
  ]
}

/** The default bridge's subnet is set by hand: better no start than a host that has lost a network. */
async function refuseOverlap(netlink: NetlinkSocket, network: Network): Promise<void> {
  const { subnet, bridge } = network
  if (subnet === undefined) return
  const links = await listLinks(netlink)
  for (const route of await listRoutes(netlink)) {
    const base = parseIp(route.destination)
    if (base === undefined || route.prefixLength === 0) continue
    const link = links.find((candidate) => candidate.index === route.link)?.name ?? 'another route'
    if (link !== bridge.interface && overlaps(subnet, { base, prefixLength: route.prefixLength })) {
      throw new ConflictError(
        `the default bridge's subnet ${bridge.subnet} overlaps with ${route.destination}/${route.prefixLength} of ${link}: ` +
          'set GANTRY_BRIDGE_SUBNET to another one',
      )
    }
  }
}

function logWarning(message: string, error?: unknown): void {
  console.warn(error === undefined ? message : `${message}: ${errorMessage(error)}`)
}
