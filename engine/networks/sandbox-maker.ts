import { ConflictError, InvalidParameterError, NotFoundError } from '../errors.ts'
import { settleAll } from '../settle-all.ts'
import { checkEndpointSettings } from './endpoint-settings.ts'
import { dropEndpoint, emitEndpoint, enroll } from './endpoints.ts'
import type { Firewall } from './firewall.ts'
import { hostFiles } from './host-files.ts'
import { emptySandbox, newEndpointId, newLive, type Live } from './live.ts'
import { parseMode } from './mode.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { NetnsPool } from './netns-pool.ts'
import { releasePorts } from './ports.ts'
import type { NetworkRegistry } from './registry.ts'
import { planResolvConfOnHost, readHostResolvConf } from './resolv-conf.ts'
import type { ContainerNetworkHooks, NetworkEvents, Sandbox, SandboxRequest } from './sandbox.ts'
import { networksWanted } from './wanted-networks.ts'
import type { Wiring } from './wiring.ts'

export interface SandboxMakerParts {
  events: NetworkEvents
  containers: ContainerNetworkHooks
  registry: NetworkRegistry
  neighbours: Neighbourhood
  wiring: Wiring
  namespaces: NetnsPool
  firewall: Firewall
  /** What runs, by container ID: the maker adds to it and takes from it. */
  live: Map<string, Live>
}

/** Makes what a container that starts has of the networks, by its mode, and takes it down again. Its caller holds the lock. */
export class SandboxMaker {
  readonly #events: NetworkEvents
  readonly #containers: ContainerNetworkHooks
  readonly #registry: NetworkRegistry
  readonly #neighbours: Neighbourhood
  readonly #wiring: Wiring
  readonly #namespaces: NetnsPool
  readonly #firewall: Firewall
  readonly #live: Map<string, Live>

  constructor(parts: SandboxMakerParts) {
    this.#events = parts.events
    this.#containers = parts.containers
    this.#registry = parts.registry
    this.#neighbours = parts.neighbours
    this.#wiring = parts.wiring
    this.#namespaces = parts.namespaces
    this.#firewall = parts.firewall
    this.#live = parts.live
  }

  /** @throws after taking back what was made */
  async make(request: SandboxRequest): Promise<Sandbox> {
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
    enroll(network, live.request, endpointId)
    emitEndpoint(this.#events, 'connect', network, live.request.id)
    return live.sandbox
  }

  async #startOnNetworks(request: SandboxRequest): Promise<Sandbox> {
    const wanted = networksWanted(request, this.#registry)
    for (const [network, settings] of wanted) checkEndpointSettings(network, settings)
    const live = newLive(request, await this.#ownSandbox(request))
    this.#live.set(request.id, live)
    try {
      live.route = 'none'
      await this.#wiring.attach(live, wanted)
    } catch (error) {
      await this.release(request.id)
      throw error
    }
    for (const [network] of wanted) emitEndpoint(this.#events, 'connect', network, request.id)
    this.#firewall.recheck()
    return live.sandbox
  }

  /** Takes a container's network down; fine when it has none. Every step is tried; then the first failure is thrown. */
  async release(containerId: string): Promise<void> {
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
        emitEndpoint(this.#events, 'disconnect', network, containerId)
      }
      for (const network of this.#registry.all()) {
        if (network.members.delete(containerId))
          emitEndpoint(this.#events, 'disconnect', network, containerId)
      }
    })
  }
}
