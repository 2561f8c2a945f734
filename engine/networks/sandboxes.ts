import { Connections } from './connections.ts'
import { dnsNamesOf } from './endpoint-settings.ts'
import { adoptEndpoint, enroll } from './endpoints.ts'
import { finishCutShort } from './finish-cut-short.ts'
import { fromOtherEnd, InterfaceCounters, type InterfaceStats } from './interface-stats.ts'
import { KeyLock } from '../key-lock.ts'
import { newEndpointId, newLive, plainName, type Live } from './live.ts'
import { parseMode } from './mode.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import { releasePorts } from './ports.ts'
import type { NetworkRegistry } from './registry.ts'
import { checkRequest } from './request-checks.ts'
import { planResolvConf, readHostResolvConf } from './resolv-conf.ts'
import type { ContainerNetworkHooks, Sandbox, SandboxRequest } from './sandbox.ts'
import { SandboxMaker, type SandboxMakerParts } from './sandbox-maker.ts'
import { askedOf } from './wanted-networks.ts'
import type { Wiring } from './wiring.ts'

export type SandboxesParts = Omit<SandboxMakerParts, 'live'> & {
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
  /** Changes of which networks a container is on. */
  readonly connections: Connections
  readonly #containers: ContainerNetworkHooks
  readonly #registry: NetworkRegistry
  readonly #neighbours: Neighbourhood
  readonly #wiring: Wiring
  readonly #maker: SandboxMaker
  readonly #warn: (message: string, error?: unknown) => void
  readonly #counters = new InterfaceCounters()
  /** By container ID. */
  readonly #live = new Map<string, Live>()
  /** By container ID, too. */
  readonly #locks = new KeyLock()

  constructor(parts: SandboxesParts) {
    this.#containers = parts.containers
    this.#registry = parts.registry
    this.#neighbours = parts.neighbours
    this.#wiring = parts.wiring
    this.#warn = parts.warn
    this.#maker = new SandboxMaker({ ...parts, live: this.#live })
    this.connections = new Connections({
      ...parts,
      live: this.#live,
      locks: this.#locks,
      stop: (containerId) => this.stop(containerId),
    })
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
      await this.#maker.release(request.id)
      const sandbox = await this.#maker.make(request)
      if (Object.keys(sandbox.links).length > 0) this.#tellLinked(request.id)
      return sandbox
    })
  }

  /** Takes a container's network down; fine when it has none. */
  async stop(containerId: string): Promise<void> {
    return this.#locks.run(containerId, () => this.#maker.release(containerId))
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
          enroll(network, request, settings.EndpointID ?? newEndpointId())
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
}
