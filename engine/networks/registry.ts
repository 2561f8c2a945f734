import { randomBytes } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import { InvalidParameterError, NotFoundError } from '../errors.ts'
import type { Instance } from '../instance.ts'
import {
  readDocument,
  removeDocument,
  sweepTemporaryDocuments,
  writeDocument,
} from '../store/documents.ts'
import { defaultBridgeOptions } from './create.ts'
import { networkDocumentSchema, type NetworkDocument } from './document.ts'
import { formatCidr, formatIp, parseCidr } from './ipv4.ts'
import { Network } from './network.ts'

/** All networks by their documents in <data>/networks; the three predefined ones are always among them. */
export class NetworkRegistry {
  readonly #directory: string
  readonly #byId = new Map<string, Network>()
  readonly #byName = new Map<string, Network>()

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(
    instance: Instance,
    warn: (message: string, error?: unknown) => void = () => undefined,
  ): Promise<NetworkRegistry> {
    const registry = new NetworkRegistry(path.join(instance.dataRoot, 'networks'))
    await fs.mkdir(registry.#directory, { recursive: true, mode: 0o700 })
    await sweepTemporaryDocuments(registry.#directory)
    for (const name of await fs.readdir(registry.#directory)) {
      if (!/^[0-9a-f]{64}\.json$/.test(name)) continue
      const document = await readDocument(
        path.join(registry.#directory, name),
        networkDocumentSchema,
      ).catch((error: unknown) => {
        warn('a network is set aside until its document is mended', error)
        return undefined
      })
      if (document !== undefined) registry.#put(new Network(document))
    }
    await registry.#ensurePredefined(instance)
    return registry
  }

  all(): Network[] {
    return [...this.#byId.values()]
  }

  byName(name: string): Network | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Network | undefined {
    return this.#byId.get(id)
  }

  /**
   * By full ID, name, or unambiguous beginning of an ID, in this order.
   *
   * @throws NOT_FOUND "network x not found", INVALID_PARAMETER when several IDs begin so
   */
  get(nameOrId: string): Network {
    const network = this.find(nameOrId)
    if (network === undefined) throw new NotFoundError(`network ${nameOrId} not found`)
    return network
  }

  /** The same of one that need not be there. @throws INVALID_PARAMETER when several IDs begin so */
  find(nameOrId: string): Network | undefined {
    const exact = this.#byId.get(nameOrId) ?? this.#byName.get(nameOrId)
    if (exact !== undefined) return exact
    const matches = /^[0-9a-f]{1,64}$/.test(nameOrId)
      ? this.all().filter((network) => network.id.startsWith(nameOrId))
      : []
    if (matches.length > 1) {
      throw new InvalidParameterError(
        `network ${nameOrId} is ambiguous (${matches.length} matches found based on ID prefix)`,
      )
    }
    return matches[0]
  }

  async add(document: NetworkDocument): Promise<Network> {
    const network = new Network(document)
    await writeDocument(this.#fileOf(document.id), document)
    this.#put(network)
    return network
  }

  async remove(network: Network): Promise<void> {
    await removeDocument(this.#fileOf(network.id))
    this.#byId.delete(network.id)
    this.#byName.delete(network.name)
  }

  #put(network: Network): void {
    this.#byId.set(network.id, network)
    this.#byName.set(network.name, network)
  }

  async #ensurePredefined(instance: Instance): Promise<void> {
    for (const name of ['host', 'none'] as const) {
      if (this.#byName.has(name)) continue
      await this.add({
        version: 1,
        id: newNetworkId(),
        name,
        created: new Date().toISOString(),
        driver: name === 'host' ? 'host' : 'null',
        internal: false,
        attachable: false,
        options: {},
        labels: {},
      })
    }
    const bridge = defaultBridge(instance)
    const existing = this.#byName.get('bridge')
    // the instance's settings decide, also when they have changed since
    const { id, created } = existing?.document ?? {
      id: newNetworkId(),
      created: new Date().toISOString(),
    }
    const document: NetworkDocument = {
      version: 1,
      id,
      name: 'bridge',
      created,
      driver: 'bridge',
      internal: false,
      attachable: false,
      options: defaultBridgeOptions(instance.bridgeName),
      labels: {},
      bridge,
    }
    if (JSON.stringify(existing?.document.bridge) !== JSON.stringify(bridge))
      await this.add(document)
  }

  #fileOf(id: string): string {
    return path.join(this.#directory, `${id}.json`)
  }
}

export function newNetworkId(): string {
  return randomBytes(32).toString('hex')
}

function defaultBridge(instance: Instance): NonNullable<NetworkDocument['bridge']> {
  const subnet = parseCidr(instance.bridgeSubnet)
  if (subnet === undefined || subnet.prefixLength > 30 || subnet.prefixLength < 8) {
    throw new InvalidParameterError(
      `GANTRY_BRIDGE_SUBNET: "${instance.bridgeSubnet}" is no IPv4 subnet with a prefix between 8 and 30`,
    )
  }
  return {
    interface: instance.bridgeName,
    subnet: formatCidr(subnet),
    // `10.1.0.5/16` chooses the gateway as well
    gateway: formatIp(subnet.ip === subnet.base ? subnet.base + 1 : subnet.ip),
    auxiliary: {},
    subnetChosen: false,
    icc: true,
    masquerade: true,
    hostBinding: '0.0.0.0',
    interfacePrefix: 'eth',
  }
}
