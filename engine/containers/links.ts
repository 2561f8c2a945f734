import { ConflictError, InvalidParameterError } from '../errors.ts'
import { isUserDefined, parseMode } from '../networks/mode.ts'
import type { ContainerConfig, HostConfig } from '../types/docker.ts'
import type { Container } from './container.ts'
import type { ContainersContext } from './context.ts'
import { isRunning } from './state.ts'
import type { ContainerTable } from './table.ts'

const FULL_ID = /^[0-9a-f]{64}$/

/** Another container as one is linked to it: `--link target:alias`. */
interface Link {
  target: Container | undefined
  /** What it is called; of one that is gone or still to come, what the link calls it. */
  name: string
  alias: string
}

/**
 * Links as a container keeps them: `<full ID>:<alias>`, so that they hold also when who is linked to gets another name.
 * On a network with name lookups, who is linked to may come later: such a link keeps the name.
 *
 * @throws INVALID_PARAMETER when there is no such container, or it is on the host's network
 * @see HostConfig.Links
 */
export function resolveLinks(table: ContainerTable, hostConfig: HostConfig): HostConfig {
  const { Links, NetworkMode = '' } = hostConfig
  if (!Links || Links.length === 0) return hostConfig
  const mayComeLater = isUserDefined(NetworkMode)
  return {
    ...hostConfig,
    Links: Links.map((link) => {
      const [name = '', alias = name, ...more] = link.split(':')
      if (name === '' || alias === '' || more.length > 0)
        throw new InvalidParameterError(`bad format for links: ${link}`)
      const target = owner(table, table.find(name))
      // as inspect shows it, and a client may give it back: `/target:/this/alias`
      const plainAlias = plain(alias).split('/').at(-1) ?? alias
      if (!target) {
        if (mayComeLater) return `${plain(name)}:${plainAlias}`
        throw new InvalidParameterError(
          `could not get container for ${name}: No such container: ${name}`,
        )
      }
      if (target.document.hostConfig.NetworkMode === 'host') {
        throw new InvalidParameterError(
          "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
        )
      }
      return `${target.id}:${plainAlias}`
    }),
  }
}

/** One that has another's network is reached where that one is. */
function owner(table: ContainerTable, container: Container | undefined): Container | undefined {
  const mode = parseMode(container?.document.hostConfig.NetworkMode ?? '')
  return mode.kind === 'container' ? owner(table, table.find(mode.id)) : container
}

function linksOf(table: ContainerTable, container: Container): Link[] {
  return (container.document.hostConfig.Links ?? []).map((link) => {
    const [wanted = '', alias = wanted] = link.split(':')
    const target = table.find(wanted)
    const name = target?.name ?? (FULL_ID.test(wanted) ? '<removed>' : wanted)
    return { target, name, alias: plain(alias) }
  })
}

/** As Docker shows them: `/target:/this/alias`. */
export function shownLinks(table: ContainerTable, container: Container): string[] {
  return linksOf(table, container).map(({ alias, name }) => `/${name}:/${container.name}/${alias}`)
}

/** The further names that links give to containers, by their IDs: `/this/alias`. */
export function namesByLinks(table: ContainerTable): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const container of table.all()) {
    for (const { alias, target } of linksOf(table, container)) {
      if (!target) continue
      names.set(target.id, [...(names.get(target.id) ?? []), `/${container.name}/${alias}`])
    }
  }
  return names
}

/**
 * The config with what links on the default bridge put into the environment of each process: addresses and ports of who is
 * linked to, and its own environment.
 *
 * @see "Legacy container links", Docker's documentation
 */
export function withLinkEnvironment(
  context: ContainersContext,
  container: Container,
): ContainerConfig {
  const { config } = container.document
  if (!container.state.sandbox?.networks['bridge']) return config
  const env = linksOf(context.table, container).flatMap(({ alias, target }) => {
    const ip = target?.state.sandbox?.networks['bridge']?.IPAddress
    if (!target || !isRunning(target.status) || ip === undefined || ip === '') return []
    return variablesOf(`/${container.name}/${alias}`, ip, target.document.config)
  })
  return env.length === 0 ? config : { ...config, Env: [...env, ...(config.Env ?? [])] }
}

interface Port {
  number: number
  protocol: string
}

function variablesOf(name: string, ip: string, { Env, ExposedPorts }: ContainerConfig): string[] {
  const prefix = (name.split('/').at(-1) ?? '').toUpperCase().replaceAll('-', '_')
  const ports = Object.keys(ExposedPorts ?? {})
    .map((key): Port => {
      const [number, protocol = 'tcp'] = key.split('/')
      return { number: Number(number), protocol }
    })
    .sort(byProtocol)
  const address = ({ number, protocol }: Port): string => `${protocol}://${ip}:${String(number)}`
  const [first] = ports
  return [
    ...(first ? [`${prefix}_PORT=${address(first)}`] : []),
    ...ports.flatMap((port) => {
      const one = `${prefix}_PORT_${String(port.number)}_${port.protocol.toUpperCase()}`
      return [
        `${one}=${address(port)}`,
        `${one}_ADDR=${ip}`,
        `${one}_PORT=${String(port.number)}`,
        `${one}_PROTO=${port.protocol}`,
      ]
    }),
    ...rangesOf(ports).flatMap(({ first: start, last }) => {
      const one = `${prefix}_PORT_${String(start.number)}_${start.protocol.toUpperCase()}`
      return [
        `${one}_START=${address(start)}`,
        `${one}_PORT_START=${String(start.number)}`,
        `${one}_END=${address(last)}`,
        `${one}_PORT_END=${String(last.number)}`,
      ]
    }),
    `${prefix}_NAME=${name}`,
    ...(Env ?? [])
      .filter((entry) => entry.includes('=') && !/^(HOME|PATH)=/.test(entry))
      .map((entry) => `${prefix}_ENV_${entry}`),
  ]
}

/** TCP before all else. */
function byProtocol(a: Port, b: Port): number {
  if (a.protocol === b.protocol) return a.number - b.number
  if (a.protocol === 'tcp') return -1
  if (b.protocol === 'tcp') return 1
  return a.protocol < b.protocol ? -1 : 1
}

/** Ports one after the other, two or more. */
function rangesOf(ports: Port[]): { first: Port; last: Port }[] {
  const ranges: { first: Port; last: Port }[] = []
  for (const port of ports) {
    const range = ranges.at(-1)
    if (range?.last.protocol === port.protocol && range.last.number + 1 === port.number)
      range.last = port
    else ranges.push({ first: port, last: port })
  }
  return ranges.filter(({ first, last }) => first !== last)
}

/**
 * Takes a link away, in a running container's names as well; who is linked to stays.
 *
 * @param name `/this/alias`
 * @throws CONFLICT for a container's own name, where Docker answers 500
 * @see DELETE /containers/{id}?link=true
 */
export async function removeLink(context: ContainersContext, name: string): Promise<void> {
  context.table.get(name)
  const at = plain(name).lastIndexOf('/')
  if (at === -1) {
    throw new ConflictError('Conflict, cannot remove the default link name of the container')
  }
  const parent = context.table.get(plain(name).slice(0, at))
  const alias = plain(name).slice(at + 1)
  await parent.lock.run(async () => {
    const { hostConfig } = parent.document
    const Links = (hostConfig.Links ?? []).filter((link) => link.split(':')[1] !== alias)
    await parent.setDocument({ hostConfig: { ...hostConfig, Links } })
    await context.networks.sandboxes.relinked(parent.id, Links)
  })
}

function plain(name: string): string {
  return name.replace(/^\//, '')
}
