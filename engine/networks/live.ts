import { randomBytes } from 'node:crypto'
import type { DnsServer } from './dns-server.ts'
import type { Endpoint } from './network.ts'
import type { HeldPort } from './ports.ts'
import type { Sandbox, SandboxRequest } from './sandbox.ts'

/** What a running container has of the network, with what only this process holds of it. */
export interface Live {
  request: SandboxRequest
  sandbox: Sandbox
  /** By network ID. */
  endpoints: Map<string, Endpoint>
  ports: HeldPort[]
  dns?: DnsServer
  /** Where the embedded server passes other questions on to. */
  upstream: string[]
  /** The default route inside; undefined while it is not known. */
  route: Route | 'none' | undefined
}

export interface Route {
  gateway: string
  link: string
}

export function newLive(request: SandboxRequest, sandbox: Sandbox): Live {
  return {
    request,
    sandbox: { ...sandbox },
    endpoints: new Map(),
    ports: [],
    upstream: [],
    route: undefined,
  }
}

export function emptySandbox(): Sandbox {
  return { networks: {}, ports: {}, hosts: '', resolvConf: '', links: {}, dns: false }
}

export function isSameRoute(a: Live['route'], b: Live['route']): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return a.gateway === b.gateway && a.link === b.link
}

export function newEndpointId(): string {
  return randomBytes(32).toString('hex')
}

/** A container's name as its neighbours say it, without the slash in front. */
export function plainName(name: string): string {
  return name.replace(/^\//, '')
}
