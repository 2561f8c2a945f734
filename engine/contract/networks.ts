/** Networks and who is on them. @see engine/contract.ts for the conventions */
import type {
  NetworkConnectRequest,
  NetworkDisconnectRequest,
  NetworkInspect,
} from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import type { Filters } from './common.ts'

/** The body of POST /networks/create. */
export interface NetworkCreateConfig {
  Name: string
  Driver?: string
  Scope?: string
  Internal?: boolean
  Attachable?: boolean
  Ingress?: boolean
  ConfigOnly?: boolean
  EnableIPv4?: boolean
  EnableIPv6?: boolean
  IPAM?: {
    Driver?: string
    Config?: {
      Subnet?: string
      IPRange?: string
      Gateway?: string
      AuxiliaryAddresses?: Record<string, string>
    }[]
    Options?: Record<string, string>
  }
  Options?: Record<string, string>
  Labels?: Record<string, string>
}

export interface NetworkEngine {
  list(filters?: Filters): Promise<(NetworkInspect & Attributed)[]>
  inspect(
    id: string,
    options?: { verbose?: boolean; scope?: string },
  ): Promise<NetworkInspect & Attributed>
  create(config: NetworkCreateConfig): Promise<{ Id: string; Warning: string }>
  connect(id: string, request: NetworkConnectRequest): Promise<void>
  disconnect(id: string, request: NetworkDisconnectRequest): Promise<void>
  remove(id: string): Promise<void>
  prune(filters?: Filters): Promise<{ NetworksDeleted: string[] }>
}
