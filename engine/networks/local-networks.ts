import path from 'node:path'
import { currentCaller } from '../caller.ts'
import type { NetworkCreateConfig, NetworkEngine } from '../contract/networks.ts'
import type { Filters } from '../contract/common.ts'
import { ConflictError, errorMessage, ForbiddenError, NotFoundError } from '../errors.ts'
import { checkFilters, matchesLabels } from '../filters.ts'
import type { Instance } from '../instance.ts'
import { deleteLink, listLinks } from '../netlink/link.ts'
import { NetlinkSocket } from '../netlink/socket.ts'
import type {
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  NetworkInspect,
} from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import { pruneUntil } from '../until.ts'
import { enableForwarding, ensureBridge } from './bridge.ts'
import { checkNetworkName, planBridge } from './create.ts'
import type { NetworkDocument } from './document.ts'
import { Firewall } from './firewall.ts'
import { hostSubnets, refuseOverlap } from './host-subnets.ts'
import { KeyLock } from '../key-lock.ts'
import { describeNetwork, filterNetworks } from './list.ts'
import { bridgeNameOf, ownLinkNames } from './link-names.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { NetnsPool } from './netns-pool.ts'
import type { Network } from './network.ts'
import { NetworkRegistry, newNetworkId } from './registry.ts'
import type { ContainerNetworkHooks, NetworkEvents } from './sandbox.ts'
import { Sandboxes } from './sandboxes.ts'
import { Wiring } from './wiring.ts'

export interface LocalNetworksOptions {
  instance: Instance
  events: NetworkEvents
  containers: ContainerNetworkHooks
  /** Told of what belongs to nobody's call. */
  warn?: (message: string, error?: unknown) => void
}

/**
 * The networks of this kernel, told and changed as the Engine API asks: bridges, with what belongs to them on the host.
 *
 * What containers have of them is in `sandboxes`. After the engine was killed, and those of the containers that still run
 * have been taken up, sweep() removes what belongs to none.
 */
export class LocalNetworks implements NetworkEngine {
  readonly sandboxes: Sandboxes
  readonly #instance: Instance
  readonly #events: NetworkEvents
  readonly #registry: NetworkRegistry
  readonly #netlink: NetlinkSocket
  readonly #namespaces: NetnsPool
  readonly #firewall: Firewall
  readonly #warn: (message: string, error?: unknown) => void
  /** One for all changes of the set of networks. */
  readonly #changes = new KeyLock()
  #closed = false

  private constructor(
    options: Required<LocalNetworksOptions>,
    parts: {
      registry: NetworkRegistry
      netlink: NetlinkSocket
      namespaces: NetnsPool
      firewall: Firewall
    },
  ) {
    this.#instance = options.instance
    this.#events = options.events
    this.#registry = parts.registry
    this.#netlink = parts.netlink
    this.#namespaces = parts.namespaces
    this.#firewall = parts.firewall
    this.#warn = options.warn
    const neighbours = new Neighbourhood(parts.registry, options.containers)
    const wiring = new Wiring({
      ...parts,
      linkPrefix: options.instance.linkPrefix,
      neighbours,
      warn: options.warn,
    })
    this.sandboxes = new Sandboxes({ ...options, ...parts, neighbours, wiring })
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
      const ours = ownLinkNames(instance.linkPrefix)
      await firewall.open((bridge) => ours.test(bridge))
      namespaces = await NetnsPool.open(path.join(instance.runRoot, 'netns'))
      return new LocalNetworks({ ...options, warn }, { registry, netlink, namespaces, firewall })
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

  /** The ID of one by its name or ID; undefined when it is gone. */
  idOf(nameOrId: string): string | undefined {
    return (this.#registry.byName(nameOrId) ?? this.#registry.byId(nameOrId))?.id
  }

  async create(config: NetworkCreateConfig): Promise<{ Id: string; Warning: string }> {
    return this.#changes.run('networks', async () => {
      checkNetworkName(config.Name)
      if (this.#registry.byName(config.Name) !== undefined) {
        throw new ConflictError(`network with name ${config.Name} already exists`)
      }
      const id = newNetworkId()
      const bridge = planBridge(config, {
        networks: this.#registry.all().flatMap((network) => network.subnet ?? []),
        host: await hostSubnets(this.#netlink),
        interfaceName: bridgeNameOf(this.#instance.linkPrefix, id),
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
        await this.#firewall.networkStays()
      } catch (error) {
        await this.#takeDown(network)
        throw error
      }
      this.#events.emit('network', 'create', id, { name: network.name, type: 'bridge' })
      return { Id: id, Warning: '' }
    })
  }

  async remove(id: string): Promise<void> {
    return this.#changes.run('networks', async () => {
      const network = this.#registry.get(id)
      if (network.isPredefined) {
        throw new ForbiddenError(`${network.name} is a pre-defined network and cannot be removed`)
      }
      if (network.endpoints.size > 0) {
        throw new ForbiddenError(
          `error while removing network: network ${network.label} has active endpoints`,
        )
      }
      try {
        await this.#takeDown(network)
      } catch (error) {
        await this.#bringBack(network).catch((again: unknown) => {
          this.#warn(`network ${network.label}, which could not be removed, is not whole`, again)
        })
        throw error
      }
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
    await this.sandboxes.connections.connect(
      network,
      request.Container,
      request.EndpointConfig ?? {},
    )
  }

  async disconnect(id: string, request: NetworkDisconnectRequest): Promise<void> {
    const network = this.#registry.find(id)
    const options = { force: request.Force === true }
    if (network === undefined) {
      await this.sandboxes.connections.disconnectLost(id, request.Container, options)
    } else {
      await this.sandboxes.connections.disconnect(network, request.Container, options)
    }
  }

  /** Removes every namespace, pair, bridge and published port that belongs to no running container; after Sandboxes.adopt(). */
  async sweep(liveIds: ReadonlySet<string>): Promise<void> {
    await this.sandboxes.stopAllBut(liveIds)
    await this.#firewall.rebuild()
    const sandboxes = this.sandboxes.all()
    await this.#namespaces.sweep(new Set(sandboxes.flatMap((sandbox) => sandbox.netnsPath ?? [])))

    const veths = new Set(
      sandboxes.flatMap((sandbox) => Object.values(sandbox.links).map((link) => link.veth)),
    )
    const bridges = new Set(
      this.#registry.all().flatMap(({ document }) => document.bridge?.interface ?? []),
    )
    const ours = ownLinkNames(this.#instance.linkPrefix)
    const links = (await listLinks(this.#netlink)).map(({ name }) => name)
    for (const name of links) {
      if (ours.test(name) && !veths.has(name) && !bridges.has(name))
        await deleteLink(this.#netlink, name)
    }
    await this.sandboxes.finishCutShort(new Set(links))
  }

  /** Lets go of what this process holds. Networks of running containers stay, but for their names, which nobody serves. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.sandboxes.close()
    await this.#namespaces.close()
    await this.#firewall.close()
    this.#netlink.close()
  }

  /** Takes everything off the host that this instance has put there: for tests and for an uninstall. */
  async destroyAll(): Promise<void> {
    await this.sweep(new Set())
    await this.#firewall.destroy()
    for (const { document } of this.#registry.all()) {
      if (document.bridge !== undefined) await deleteLink(this.#netlink, document.bridge.interface)
    }
    await this.close()
    await this.#namespaces.destroy()
  }

  /** Removes a network from the firewall, the kernel and the disk, in an order that a killed engine can end. */
  async #takeDown(network: Network): Promise<void> {
    await this.#firewall.networkGoes(network.bridge.interface)
    await deleteLink(this.#netlink, network.bridge.interface)
    await this.#registry.remove(network)
    await this.#firewall.networkGone()
  }

  /** After half a removal, of a network that is still known. */
  async #bringBack(network: Network): Promise<void> {
    if (this.#registry.byId(network.id) === undefined) return
    await ensureBridge(this.#netlink, network.bridge, true)
    await this.#firewall.networkStays()
  }
}

function logWarning(message: string, error?: unknown): void {
  console.warn(error === undefined ? message : `${message}: ${errorMessage(error)}`)
}
