import { ConflictError, ForbiddenError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { EndpointSettings } from '../types/docker.ts'
import { checkEndpointSettings } from './endpoint-settings.ts'
import { emitEndpoint, without } from './endpoints.ts'
import type { KeyLock } from '../key-lock.ts'
import { plainName, type Live } from './live.ts'
import { checkConnect, NOT_FROM_HOST } from './mode-checks.ts'
import { parseMode } from './mode.ts'
import type { Network } from './network.ts'
import type { NetworkRegistry } from './registry.ts'
import type {
  ContainerNetworkHooks,
  NetworkedContainer,
  NetworkEvents,
  SandboxRequest,
} from './sandbox.ts'
import { isAsked, withoutNetwork } from './wanted-networks.ts'
import type { Wiring } from './wiring.ts'

/** Puts containers that there are on networks, and takes them off: those that run at once, others by their next start. */
export class Connections {
  readonly #events: NetworkEvents
  readonly #containers: ContainerNetworkHooks
  readonly #registry: NetworkRegistry
  readonly #wiring: Wiring
  readonly #live: ReadonlyMap<string, Live>
  readonly #locks: KeyLock
  readonly #stop: (containerId: string) => Promise<void>
  readonly #warn: (message: string, error?: unknown) => void

  /**
   * @param parts.live what runs, by container ID
   * @param parts.locks of containers, likewise
   * @param parts.stop takes a container's whole network down
   */
  constructor(parts: {
    events: NetworkEvents
    containers: ContainerNetworkHooks
    registry: NetworkRegistry
    wiring: Wiring
    live: ReadonlyMap<string, Live>
    locks: KeyLock
    stop: (containerId: string) => Promise<void>
    warn: (message: string, error?: unknown) => void
  }) {
    this.#events = parts.events
    this.#containers = parts.containers
    this.#registry = parts.registry
    this.#wiring = parts.wiring
    this.#live = parts.live
    this.#locks = parts.locks
    this.#stop = parts.stop
    this.#warn = parts.warn
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
      checkEndpointSettings(network, settings)
      checkConnect(network, container)
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
        await this.#wiring.attach(live, [[network, settings]])
        await this.#containers.save(container.id, asked, live.sandbox)
      } catch (error) {
        await this.#takeOff(live, network, container.request).catch((again: unknown) => {
          this.#warn(`could not undo a connection of ${container.id}`, again)
        })
        throw error
      }
      emitEndpoint(this.#events, 'connect', network, container.id)
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
        throw new InvalidParameterError(NOT_FROM_HOST)
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
      emitEndpoint(this.#events, 'disconnect', network, container.id)
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

  /** A forced disconnect of a container that is not in the table any more. */
  async #forget(network: Network, nameOrId: string): Promise<boolean> {
    for (const endpoint of network.endpoints.values()) {
      const isNamed = endpoint.containerName === plainName(nameOrId)
      if (!isNamed && endpoint.containerId !== nameOrId) continue
      await this.#stop(endpoint.containerId)
      return true
    }
    return false
  }

  #findContainer(nameOrId: string): NetworkedContainer {
    const container = this.#containers.find(nameOrId)
    if (container === undefined) throw new NotFoundError(`No such container: ${nameOrId}`)
    return container
  }
}
