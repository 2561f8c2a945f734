import type { SandboxRequest } from '../networks/sandbox.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'

/** What the network sandbox of a container is made from. */
export function sandboxRequestOf(context: ContainersContext, container: Container): SandboxRequest {
  const { config, hostConfig, id, name, networks } = container.document
  const mode = hostConfig.NetworkMode ?? 'default'
  const joined = /^container:(.+)$/.exec(mode)?.[1]
  return {
    id,
    name,
    hostname: config.Hostname ?? id.slice(0, 12),
    domainname: config.Domainname ?? '',
    ...(config.NetworkDisabled === true
      ? // a namespace with nothing in it, whatever the mode is
        { mode: 'none', networks: {} }
      : {
          mode:
            joined === undefined ? mode : `container:${context.table.find(joined)?.id ?? joined}`,
          networks,
        }),
    exposedPorts: config.ExposedPorts ?? {},
    portBindings: hostConfig.PortBindings ?? {},
    publishAll: hostConfig.PublishAllPorts ?? false,
    dns: hostConfig.Dns ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    extraHosts: hostConfig.ExtraHosts ?? [],
    links: hostConfig.Links ?? [],
  }
}
