import type { IdMap, UserNamespaceRequest } from '../native/netns.ts'
import type { EndpointSettings, PortMap } from '../types/docker.ts'

/** What a container wants of the network, as its documents say. */
export interface SandboxRequest {
  id: string
  name: string
  hostname: string
  domainname: string
  /** HostConfig.NetworkMode: `default`, `bridge`, `host`, `none`, `container:<full ID>`, or a network's name or ID. */
  mode: string
  /** Endpoint settings as asked for, by network name or ID. */
  networks: Record<string, EndpointSettings>
  /** `80/tcp` … */
  exposedPorts: Record<string, unknown>
  portBindings: PortMap
  publishAll: boolean
  dns: string[]
  dnsSearch: string[]
  dnsOptions: string[]
  /** `host:ip`, `host=ip`; the ip may be `host-gateway`. */
  extraHosts: string[]
  /** `container[:alias]`, legacy links. */
  links: string[]
  /** For the endpoint of the mode's network. */
  mac?: string | undefined
  /** The user namespace that the container runs in; undefined: the host's. */
  userns?: UserNamespaceRequest | undefined
}

/** What a running container has of the network; plain data, kept in the container's state across engine restarts. */
export interface Sandbox {
  /** Undefined: the host's network. */
  netnsPath?: string
  /** The user namespace that owns it, and that the container runs in; undefined: the host's. */
  userns?: { path: string; ids: IdMap }
  networks: Record<string, EndpointSettings>
  /** Published and exposed ports as they really are; null for one that is exposed only. */
  ports: PortMap
  /** Contents of /etc/hosts. */
  hosts: string
  /** Contents of /etc/resolv.conf. */
  resolvConf: string
  /** The pairs it has, by network name. */
  links: Record<string, SandboxLink>
  /** 127.0.0.11 is served inside. */
  dns: boolean
}

export interface SandboxLink {
  /** Inside, `eth0`. */
  name: string
  /** The host's end. */
  veth: string
}

/** A container as networks see it. */
export interface NetworkedContainer {
  id: string
  name: string
  running: boolean
  request: SandboxRequest
  sandbox?: Sandbox
  /** A change of its sandbox was begun, and nothing is written down of how it ended. */
  isChanging?: boolean
}

/** What networks ask and write of containers; containers/ implements it. */
export interface ContainerNetworkHooks {
  find(nameOrId: string): NetworkedContainer | undefined
  /** Writes that the sandbox of a running one is about to change: an engine that comes after a killed one looks after it. */
  begin(id: string): Promise<void>
  /** Writes the endpoint settings asked for and, of a running one, the sandbox they led to. */
  save(id: string, networks: Record<string, EndpointSettings>, sandbox?: Sandbox): Promise<void>
}

/** The part of the event bus that networks use. */
export interface NetworkEvents {
  emit(type: 'network', action: string, id: string, attributes?: Record<string, string>): void
}
