import fs from 'node:fs'
import path from 'node:path'
import { currentCaller } from '../caller.ts'
import type { NetworkCreateConfig, NetworkEngine } from '../contract.ts'
import type { Filters } from '../contract/common.ts'
import {
  ConflictError,
  errorMessage,
  ForbiddenError,
  InvalidParameterError,
  NotFoundError,
} from '../errors.ts'
import { checkFilters, matchesLabels } from '../filters.ts'
import type { Instance } from '../instance.ts'
import { deleteLink, listLinks } from '../netlink/link.ts'
import { NetlinkSocket } from '../netlink/socket.ts'
import type {
  EndpointSettings,
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  NetworkInspect,
} from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import { pruneUntil } from '../until.ts'
import { enableForwarding, ensureBridge } from './bridge.ts'
import { checkNetworkName, planBridge } from './create.ts'
import type { NetworkDocument } from './document.ts'
import { checkEndpointSettings, checkMac, dnsNamesOf } from './endpoint-settings.ts'
import { adoptEndpoint, dropEndpoint, takeEndpoint } from './endpoints.ts'
import { Firewall } from './firewall.ts'
import { hostSubnets, refuseOverlap } from './host-subnets.ts'
import { parseExtraHost } from './hosts-file.ts'
import { fromOtherEnd, InterfaceCounters, type InterfaceStats } from './interface-stats.ts'
import { KeyLock } from './key-lock.ts'
import { describeNetwork, filterNetworks } from './list.ts'
import { emptySandbox, newEndpointId, newLive, plainName, type Live } from './live.ts'
import { checkConnect, checkJoining, HOST_FIXED, NONE_ALONE, SHARING_ALONE } from './mode-checks.ts'
import { parseMode } from './mode.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { NetnsPool } from './netns-pool.ts'
import { isPredefined, type Endpoint, type Network } from './network.ts'
import { planPorts, releasePorts } from './ports.ts'
import { NetworkRegistry, newNetworkId } from './registry.ts'
import {
  checkDnsWishes,
  planResolvConf,
  planResolvConfOnHost,
  readHostResolvConf,
} from './resolv-conf.ts'
import type {
  ContainerNetworkHooks,
  NetworkedContainer,
  NetworkEvents,
  Sandbox,
  SandboxRequest,
} from './sandbox.ts'
import { settleAll, Wiring } from './wiring.ts'

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
  readonly #neighbours: Neighbourhood
  readonly #wiring: Wiring
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
    this.#neighbours = new Neighbourhood(parts.registry, options.containers)
    this.#netlink = parts.netlink
    this.#wiring = new Wiring({ ...parts, neighbours: this.#neighbours, warn: this.#warn })
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
        await this.#wiring.unplug(live, network)
        live.request = container.request
        await this.#wiring.refresh(live).catch((again: unknown) => {
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
      await this.#wiring.unplug(live, network)
      await this.#wiring.refresh(live)
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
    for (const link of request.links) this.#neighbours.linkTarget(link)
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
          adoptEndpoint(live, network, settings, this.#warn)
        }
      }
      this.#wiring.adoptPorts(live)
      if (sandbox.netnsPath === undefined || !sandbox.dns) return
      const host = readHostResolvConf()
      live.upstream = planResolvConf(host, request, true).upstream
      await this.#wiring.serveNames(live)
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
      await this.#wiring.refresh(live)
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
      if (!this.#neighbours.isLinkedTo(live, id)) continue
      this.#locks
        .run(live.request.id, () => this.#rewriteHosts(live))
        .catch((error: unknown) => {
          this.#warn(`could not tell container ${live.request.id} where ${id} is`, error)
        })
    }
  }

  async #rewriteHosts(live: Live): Promise<void> {
    if (this.#live.get(live.request.id) !== live) return
    live.sandbox = { ...live.sandbox, hosts: this.#neighbours.renderHosts(live) }
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
      .map(({ name, ip }) => `${this.#neighbours.hostGateway(ip)}\t${name}\n`)
    const asksDns = request.dns.length + request.dnsSearch.length + request.dnsOptions.length > 0
    const live = newLive(request, {
      ...emptySandbox(),
      hosts: `${hosts}${hosts.endsWith('\n') ? '' : '\n'}${extra.join('')}`,
      resolvConf: asksDns ? planResolvConfOnHost(readHostResolvConf(), request) : resolv,
    })
    return this.#startAsMember(live, network)
  }

  async #startAlone(request: SandboxRequest): Promise<Sandbox> {
    const network = this.#registry.get('none')
    const live = newLive(request, await this.#ownSandbox(request))
    live.sandbox.hosts = this.#neighbours.renderHosts(live)
    live.sandbox.resolvConf = planResolvConfOnHost(readHostResolvConf(), request)
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
      takeEndpoint(live, network, settings, this.#instance.linkPrefix),
    ])
    await this.#wiring.refresh(live, taken)
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
      this.#wiring.silence(endpoints),
      new Promise<void>((resolve) => {
        if (netnsPath !== undefined) this.#namespaces.release(netnsPath)
        resolve()
      }),
    ]
    await settleAll(steps).finally(() => {
      for (const endpoint of endpoints) {
        const network = this.#registry.byId(endpoint.networkId)
        if (network === undefined) continue
        dropEndpoint(live, network, endpoint)
        this.#emitEndpoint('disconnect', network, containerId)
      }
      for (const network of this.#registry.all()) {
        if (network.members.delete(containerId))
          this.#emitEndpoint('disconnect', network, containerId)
      }
    })
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

/** What this instance calls its links: host's ends of pairs, and bridges of user-defined networks. */
function ownLinkNames(instance: Instance): RegExp {
  return new RegExp(`^${instance.linkPrefix}(v[0-9a-f]{8}|-[0-9a-f]{10})$`)
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

function logWarning(message: string, error?: unknown): void {
  console.warn(error === undefined ? message : `${message}: ${errorMessage(error)}`)
}
