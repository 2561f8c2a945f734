import { parseCidr, type Subnet } from './ipv4.ts'
import { AddressPool } from './ipam.ts'
import type { BridgeConfig, NetworkDocument } from './document.ts'

/** A running container's place in a bridge network. */
export interface Endpoint {
  id: string
  containerId: string
  /** Without the leading slash. */
  containerName: string
  networkId: string
  ip: string
  prefixLength: number
  mac: string
  /** Its interface inside, `eth0`. */
  name: string
  /** The host's end of its pair. */
  veth: string
  /** What DNS answers with its address: name, aliases, short ID, hostname. */
  dnsNames: string[]
}

/** A network and who is on it now. */
export class Network {
  readonly document: NetworkDocument
  readonly pool: AddressPool | undefined
  readonly subnet: Subnet | undefined
  /** By container ID. */
  readonly endpoints = new Map<string, Endpoint>()
  /** Containers of the host and none networks, which have no endpoint of their own. */
  readonly members = new Map<string, { containerName: string; endpointId: string }>()
  readonly #byName = new Map<string, Set<Endpoint>>()
  readonly #byIp = new Map<string, Endpoint>()

  constructor(document: NetworkDocument) {
    this.document = document
    const bridge = document.bridge
    if (bridge === undefined) return
    const subnet = parseCidr(bridge.subnet)
    if (subnet === undefined)
      throw new RangeError(`network ${document.name}: ${bridge.subnet} is no subnet`)
    const range = bridge.ipRange === undefined ? subnet : (parseCidr(bridge.ipRange) ?? subnet)
    this.subnet = subnet
    this.pool = new AddressPool(subnet, range, [bridge.gateway, ...Object.values(bridge.auxiliary)])
  }

  get id(): string {
    return this.document.id
  }

  get name(): string {
    return this.document.name
  }

  /** @throws TypeError for the host and none networks, which callers have dealt with by then */
  get bridge(): BridgeConfig {
    if (this.document.bridge === undefined) throw new TypeError(`network ${this.name} is no bridge`)
    return this.document.bridge
  }

  get isPredefined(): boolean {
    return isPredefined(this.name)
  }

  /** Names of containers are looked up in every bridge network but Docker's default one. */
  get hasDns(): boolean {
    return this.document.bridge !== undefined && !this.isPredefined
  }

  /** Names a network and its ID, as Docker's messages do. */
  get label(): string {
    return `${this.name} id ${this.id}`
  }

  attach(endpoint: Endpoint): void {
    this.endpoints.set(endpoint.containerId, endpoint)
    this.#byIp.set(endpoint.ip, endpoint)
    for (const name of endpoint.dnsNames) {
      const key = name.toLowerCase()
      const holders = this.#byName.get(key) ?? new Set()
      this.#byName.set(key, holders.add(endpoint))
    }
  }

  detach(containerId: string): Endpoint | undefined {
    const endpoint = this.endpoints.get(containerId)
    if (endpoint === undefined) return undefined
    this.endpoints.delete(containerId)
    if (this.#byIp.get(endpoint.ip) === endpoint) this.#byIp.delete(endpoint.ip)
    for (const name of endpoint.dnsNames) {
      const key = name.toLowerCase()
      const holders = this.#byName.get(key)
      holders?.delete(endpoint)
      if (holders?.size === 0) this.#byName.delete(key)
    }
    return endpoint
  }

  /** Those that go by a name, in the order they came. */
  endpointsNamed(name: string): Endpoint[] {
    return [...(this.#byName.get(name.toLowerCase()) ?? [])]
  }

  endpointAt(ip: string): Endpoint | undefined {
    return this.#byIp.get(ip)
  }
}

export function isPredefined(name: string): boolean {
  return name === 'bridge' || name === 'host' || name === 'none'
}
