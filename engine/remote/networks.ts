import type { NetworkCreateConfig, NetworkEngine } from '../contract/networks.ts'
import type { Filters } from '../contract/common.ts'
import type {
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  NetworkInspect,
} from '../types/docker.ts'
import { filtersQuery, segment } from './query.ts'
import type { Transport } from './transport.ts'

export class RemoteNetworks implements NetworkEngine {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  async list(filters?: Filters): Promise<NetworkInspect[]> {
    return this.#transport.json('GET', '/networks', { query: { filters: filtersQuery(filters) } })
  }

  async inspect(
    id: string,
    options: { verbose?: boolean; scope?: string } = {},
  ): Promise<NetworkInspect> {
    return this.#transport.json('GET', `/networks/${segment(id)}`, {
      query: { verbose: options.verbose, scope: options.scope },
    })
  }

  async create(config: NetworkCreateConfig): Promise<{ Id: string; Warning: string }> {
    // Below 1.44 a second network of the same name is made unless this is asked for.
    const body = this.#transport.speaks('1.44') ? config : { ...config, CheckDuplicate: true }
    return this.#transport.json('POST', '/networks/create', { body })
  }

  async connect(id: string, request: NetworkConnectRequest): Promise<void> {
    await this.#transport.empty('POST', `/networks/${segment(id)}/connect`, { body: request })
  }

  async disconnect(id: string, request: NetworkDisconnectRequest): Promise<void> {
    await this.#transport.empty('POST', `/networks/${segment(id)}/disconnect`, { body: request })
  }

  async remove(id: string): Promise<void> {
    await this.#transport.empty('DELETE', `/networks/${segment(id)}`)
  }

  async prune(filters?: Filters): Promise<{ NetworksDeleted: string[] }> {
    const pruned = await this.#transport.json<{ NetworksDeleted: string[] | null }>(
      'POST',
      '/networks/prune',
      {
        query: { filters: filtersQuery(filters) },
      },
    )
    return { NetworksDeleted: pruned.NetworksDeleted ?? [] }
  }
}
