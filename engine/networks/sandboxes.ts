import { ConflictError, ForbiddenError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Instance } from '../instance.ts'
import { settleAll } from '../settle-all.ts'
import type { EndpointSettings } from '../types/docker.ts'
import { checkEndpointSettings, dnsNamesOf } from './endpoint-settings.ts'
import { adoptEndpoint, dropEndpoint, takeEndpoint, without } from './endpoints.ts'
import { finishCutShort } from './finish-cut-short.ts'
import type { Firewall } from './firewall.ts'
import { hostFiles } from './host-files.ts'
import { fromOtherEnd, InterfaceCounters, type InterfaceStats } from './interface-stats.ts'
import { KeyLock } from './key-lock.ts'
import { emptySandbox, newEndpointId, newLive, plainName, type Live } from './live.ts'
import { checkConnect, HOST_FIXED } from './mode-checks.ts'
import { parseMode } from './mode.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { NetnsPool } from './netns-pool.ts'
import type { Endpoint, Network } from './network.ts'
import { releasePorts } from './ports.ts'
import type { NetworkRegistry } from './registry.ts'
import { checkRequest } from './request-checks.ts'
import { planResolvConf, planResolvConfOnHost, readHostResolvConf } from './resolv-conf.ts'
import type {
  ContainerNetworkHooks,
  NetworkedContainer,
  NetworkEvents,
  Sandbox,
  SandboxRequest,
} from './sandbox.ts'
import { askedOf, isAsked, networksWanted, withoutNetwork } from './wanted-networks.ts'
import type { Wiring } from './wiring.ts'

export interface SandboxesParts {
  instance: Instance
  events: NetworkEvents
  containers: ContainerNetworkHooks
  registry: NetworkRegistry
  neighbours: Neighbourhood
  wiring: Wiring
  namespaces: NetnsPool
  firewall: Firewall
  warn: (message: string, error?: unknown) => void
}

/**
 * What each running container has of the networks, changed by one call at a time.
 *
 * It is made by start() before the container's process and taken down by stop() after it; both may be called again. What
 * start() answers is plain data that the container's state keeps: after the engine was killed, adopt() takes it up again
 * for each container that still runs.
 */
export class Sandboxes {
  readonly #linkPrefix: string
  readonly #events: NetworkEvents
  readonly #containers: ContainerNetworkHooks
  readonly #registry: NetworkRegistry
  readonly #neighbours: Neighbourhood
  readonly #wiring: Wiring
  readonly #namespaces: NetnsPool
  readonly #firewall: Firewall
  readonly #warn: (message: string, error?: unknown) => void
  readonly #counters = new InterfaceCounters()
  /** By container ID. */
  readonly #live = new Map<string, Live>()
  /** By container ID, too. */
  readonly #locks = new KeyLock()

  constructor(parts: SandboxesParts) {
    this.#linkPrefix = parts.instance.linkPrefix
    this.#events = parts.events
    this.#containers = parts.containers
    this.#registry = parts.registry
    this.#neighbours = parts.neighbours
    this.#wiring = parts.wiring
    this.#namespaces = parts.namespaces
    this.#firewall = parts.firewall
    this.#warn = parts.warn
  }

  /**
   * Looks whether a sandbox can be made of a request, at the container's creation.
   *
   * @throws INVALID_PARAMETER or NOT_FOUND
   */
  check(request: SandboxRequest): void {
    checkRequest(request, this.#registry, this.#neighbours)
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
      // as the engine before us had set it: what the container has made of it since is its own
      if (this.#containers.find(containerId)?.isChanging !== true)
        live.route = this.#neighbours.routeOf(live) ?? 'none'
      this.#wiring.adoptPorts(live)
      if (sandbox.netnsPath === undefined || !sandbox.dns) return
      const host = readHostResolvConf()
      live.upstream = planResolvConf(host, request, true).upstream
      await this.#wiring.serveNames(live)
    })
  }

  /**
   * Puts a container on a network: one that runs at once, and any other by its next start.
   *
   * @throws NOT_FOUND, and FORBIDDEN or INVALID_PARAMETER when it cannot be there
   */
  async connect(network: Network, nameOrId: string, settings: EndpointSettings): Promise<void> {
    const found = this.#findContainer(nameOrId)
    return this.#locks.run(found.id, async () => {
      const container = this.#findContainer(found.id)
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
      await this.#containers.begin(container.id)
      live.request = { ...container.request, networks: asked }
      try {
        await this.#attachAll(live, [[network, settings]])
        await this.#containers.save(container.id, asked, live.sandbox)
      } catch (error) {
        await this.#takeOff(live, network, container.request).catch((again: unknown) => {
          this.#warn(`could not undo a connection of ${container.id}`, again)
        })
        throw error
      }
      this.#emitEndpoint('connect', network, container.id)
    })
  }

  /**
   * Takes a container off a network.
   *
   * @param options.force also one that only this has left of it
   * @throws NOT_FOUND, and FORBIDDEN when it is not there
   */
  async disconnect(network: Network, nameOrId: string, options: { force: boolean }): Promise<void> {
    if (options.force && this.#containers.find(nameOrId) === undefined) {
      if (await this.#forget(network, nameOrId)) return
      throw new NotFoundError(`endpoint ${nameOrId} not found`)
    }
    const found = this.#findContainer(nameOrId)
    return this.#locks.run(found.id, async () => {
      const container = this.#findContainer(found.id)
      if (network.name === 'host' || parseMode(container.request.mode).kind === 'host') {
        throw new InvalidParameterError(HOST_FIXED)
      }
      const asked = withoutNetwork(container.request.networks, network)
      const live = this.#live.get(container.id)
      // by what is written down alone when the disk refused that it had left
      const isOn = isAsked(container.request.networks, network) || live?.endpoints.has(network.id)
      if (isOn !== true) {
        // Docker's words of a container that runs, and of one that does not
        const where = live === undefined ? `the network ${network.name}` : `network ${network.name}`
        throw new ForbiddenError(`container ${container.id} is not connected to ${where}`)
      }
      if (live === undefined) {
        await this.#containers.save(container.id, asked)
        return
      }
      await this.#containers.begin(container.id)
      await this.#takeOff(live, network, { ...container.request, networks: asked })
      this.#emitEndpoint('disconnect', network, container.id)
    })
  }

  /**
   * Takes a container off a network that is gone while the container still has it on record, by the name it was recorded
   * with; of one that runs, its interface as well.
   *
   * @param options.force needed for one that runs
   * @throws NOT_FOUND, and FORBIDDEN when it is not on record
   */
  async disconnectLost(
    network: string,
    nameOrId: string,
    options: { force: boolean },
  ): Promise<void> {
    const missing = new NotFoundError(`network ${network} not found`)
    if (options.force && this.#containers.find(nameOrId) === undefined) throw missing
    const found = this.#findContainer(nameOrId)
    return this.#locks.run(found.id, async () => {
      const { id, request } = this.#findContainer(found.id)
      const live = this.#live.get(id)
      if (live !== undefined && !options.force) throw missing
      // made while we waited for others' changes of the container
      if (this.#registry.byName(network) !== undefined)
        throw new ConflictError(`network ${network} is there by now`)
      if (!(network in request.networks) && !(live && network in live.sandbox.networks)) {
        throw new ForbiddenError(`container ${id} is not connected to the network ${network}`)
      }
      const asked = without(request.networks, network)
      if (live === undefined) {
        await this.#containers.save(id, asked)
        return
      }
      await this.#containers.begin(id)
      await this.#wiring.unplugLost(live, network)
      await this.#settle(live, { ...request, networks: asked })
    })
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
        const settings = askedOf(live.request.networks, network) ?? {}
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

  /** What the containers have that are known here: those that are running. */
  all(): Sandbox[] {
    return [...this.#live.values()].map((live) => live.sandbox)
  }

  /** Takes down what belongs to no container of these. */
  async stopAllBut(liveIds: ReadonlySet<string>): Promise<void> {
    for (const id of [...this.#live.keys()]) if (!liveIds.has(id)) await this.stop(id)
  }

  /**
   * Brings those that were taken up to what is written of them, where an engine was killed in the middle of a change. To be
   * called when what belongs to nobody has gone.
   *
   * @param links names of those that there were on the host
   */
  async finishCutShort(links: ReadonlySet<string>): Promise<void> {
    const parts = { registry: this.#registry, wiring: this.#wiring }
    for (const live of this.#live.values()) {
      const { id, networks } = live.request
      await this.#locks
        .run(id, async () => {
          if (this.#containers.find(id)?.isChanging !== true) return
          await finishCutShort(live, links, parts)
          await this.#containers.save(id, networks, live.sandbox)
        })
        .catch((error: unknown) => {
          this.#warn(`the network of container ${id} is not whole`, error)
        })
    }
  }

  /** Lets go of what this process holds of them: name servers, and the ports that no other program is to have. */
  close(): void {
    for (const live of this.#live.values()) {
      live.dns?.close()
      releasePorts(live.ports)
    }
  }

  #join(targetId: string, { id, userns }: SandboxRequest): Sandbox {
    const target = this.#containers.find(targetId)
    // its own name, which at its creation was nobody's yet
    if (target?.id === id) throw new InvalidParameterError('cannot join own network')
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
    const files = await hostFiles(request, this.#neighbours)
    return this.#startAsMember(newLive(request, { ...emptySandbox(), ...files }), 'host')
  }

  async #startAlone(request: SandboxRequest): Promise<Sandbox> {
    const live = newLive(request, await this.#ownSandbox(request))
    // known before anything can fail, so that stop() finds its namespace
    this.#live.set(request.id, live)
    live.sandbox.hosts = this.#neighbours.renderHosts(live)
    live.sandbox.resolvConf = planResolvConfOnHost(readHostResolvConf(), request)
    return this.#startAsMember(live, 'none')
  }

  /** With a network namespace of its own, and nothing in it. */
  async #ownSandbox({ userns }: SandboxRequest): Promise<Sandbox> {
    if (userns === undefined) return { ...emptySandbox(), netnsPath: await this.#namespaces.take() }
    const { netnsPath, usernsPath } = await this.#namespaces.takeOwned(userns)
    return { ...emptySandbox(), netnsPath, userns: { path: usernsPath, ids: userns.ids } }
  }

  /** On a network of which a container has no endpoint, only its place in the list. */
  #startAsMember(live: Live, name: 'host' | 'none'): Sandbox {
    const network = this.#registry.get(name)
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
    const wanted = networksWanted(request, this.#registry)
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

  /**
   * Gives a container an endpoint on each of these networks. Addresses come first; with them known, pairs, published ports
   * and the name server are made side by side. What was made is on `live` also when this fails.
   */
  async #attachAll(live: Live, wanted: readonly [Network, EndpointSettings][]): Promise<void> {
    const taken = wanted.map(([network, settings]): [Network, Endpoint] => [
      network,
      takeEndpoint(live, network, settings, this.#linkPrefix),
    ])
    await this.#wiring.refresh(live, taken)
  }

  /**
   * Takes a running container off a network. With its link it has left it: that is written down also when its ports or names
   * cannot follow, or it would be told to be where nothing can take it off again.
   *
   * @param request what it wants of the networks from then on
   */
  async #takeOff(live: Live, network: Network, request: SandboxRequest): Promise<void> {
    await this.#wiring.unplug(live, network)
    await this.#settle(live, request)
  }

  async #settle(live: Live, request: SandboxRequest): Promise<void> {
    live.request = request
    try {
      await this.#wiring.refresh(live)
    } finally {
      await this.#containers.save(request.id, request.networks, live.sandbox)
    }
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

  /** A forced disconnect of a container that is not in the table any more. */
  async #forget(network: Network, nameOrId: string): Promise<boolean> {
    for (const endpoint of network.endpoints.values()) {
      const isNamed = endpoint.containerName === plainName(nameOrId)
      if (!isNamed && endpoint.containerId !== nameOrId) continue
      await this.stop(endpoint.containerId)
      return true
    }
    return false
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
