import { EngineError, InvalidParameterError, SystemError } from '../errors.ts'
import { holdPort } from '../native/net.ts'
import { closeFd } from '../native/process.ts'
import type { PortMap } from '../types/docker.ts'
import { parseIp } from './ipv4.ts'
import type { Publication } from './ruleset.ts'

/** A port as asked for: `hostFrom` to `hostTo` are the host ports that will do; 0 is any free one. */
export interface PortWish {
  protocol: 'tcp' | 'udp'
  port: number
  hostIp: string
  hostFrom: number
  hostTo: number
}

/** A published port and the descriptor that keeps other programs off it. */
export interface HeldPort extends Publication {
  fd: number
}

/**
 * Reads what a container wants published.
 *
 * @param defaultHostIp where bindings without an address listen
 * @throws INVALID_PARAMETER naming the port
 */
export function planPorts(
  request: { portBindings: PortMap; exposedPorts: Record<string, unknown>; publishAll: boolean },
  defaultHostIp = '0.0.0.0',
): PortWish[] {
  const wishes: PortWish[] = []
  const bound = new Set<string>()
  for (const [key, bindings] of Object.entries(request.portBindings)) {
    const ports = parsePort(key)
    for (const port of ports.numbers) bound.add(`${port}/${ports.protocol}`)
    // a key without bindings asks for some free port, as `-p 80` does
    for (const binding of bindings === null || bindings.length === 0 ? [{}] : bindings) {
      wishes.push(...planBinding(key, ports, binding, defaultHostIp))
    }
  }
  if (request.publishAll) {
    for (const key of Object.keys(request.exposedPorts)) {
      const { protocol, numbers } = parsePort(key)
      for (const port of numbers) {
        if (bound.has(`${port}/${protocol}`)) continue
        wishes.push({ protocol, port, hostIp: defaultHostIp, hostFrom: 0, hostTo: 0 })
      }
    }
  }
  return wishes
}

/**
 * Takes a host port for each wish, by a bound socket that is held for as long as the port is published. Nobody connects to
 * it, for the translation comes first; it is there so that no other program can take the port meanwhile, and so that a
 * port another program serves is not taken from it unnoticed. Docker's docker-proxy stands there for that as well.
 *
 * @throws SYSTEM in Docker's words when one is taken; none is held then
 */
export function holdPorts(wishes: readonly PortWish[], ip: string): HeldPort[] {
  const held: HeldPort[] = []
  try {
    for (const wish of wishes) held.push(holdOne(wish, ip))
    return held
  } catch (error) {
    releasePorts(held)
    throw error
  }
}

/** Holds exactly what was published before the engine went away; undefined in the place of each that is taken now. */
export function holdAgain(publications: readonly Publication[]): (HeldPort | undefined)[] {
  return publications.map((publication) => {
    try {
      return {
        ...publication,
        fd: holdPort(publication.protocol, publication.hostIp, publication.hostPort).fd,
      }
    } catch {
      return undefined
    }
  })
}

export function releasePorts(held: readonly HeldPort[]): void {
  for (const { fd } of held) if (fd >= 0) closeFd(fd)
}

/** NetworkSettings.Ports: what is published, and null for what is only exposed. */
export function portMapOf(
  exposedPorts: Record<string, unknown>,
  held: readonly Publication[],
): PortMap {
  const ports: PortMap = {}
  for (const key of Object.keys(exposedPorts)) {
    const { protocol, numbers } = parsePort(key)
    for (const port of numbers) ports[`${port}/${protocol}`] = null
  }
  for (const { protocol, port, hostIp, hostPort } of held) {
    const key = `${port}/${protocol}`
    ports[key] = [...(ports[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }]
  }
  return ports
}

/** The other way round. */
export function publicationsOf(ports: PortMap, ip: string): Publication[] {
  return Object.entries(ports).flatMap(([key, bindings]) => {
    const { protocol, numbers } = parsePort(key)
    const [port = 0] = numbers
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      protocol,
      hostIp: HostIp ?? '0.0.0.0',
      hostPort: Number(HostPort),
      ip,
      port,
    }))
  })
}

function planBinding(
  key: string,
  ports: ParsedPort,
  binding: { HostIp?: string; HostPort?: string },
  defaultHostIp: string,
): PortWish[] {
  const { protocol, numbers } = ports
  const hostIp =
    binding.HostIp === undefined || binding.HostIp === '' ? defaultHostIp : binding.HostIp
  if (hostIp.includes(':')) {
    throw new InvalidParameterError(
      `port ${key}: host address ${hostIp}: publishing on IPv6 addresses is not implemented`,
    )
  }
  if (parseIp(hostIp) === undefined) {
    throw new InvalidParameterError(
      `invalid port specification: "${hostIp}" of ${key} is no IPv4 address`,
    )
  }
  if (binding.HostPort === undefined || binding.HostPort === '' || binding.HostPort === '0') {
    return numbers.map((port) => ({ protocol, port, hostIp, hostFrom: 0, hostTo: 0 }))
  }
  const host = parseRange(binding.HostPort)
  if (host === undefined) {
    throw new InvalidParameterError(`invalid port specification: "${binding.HostPort}" for ${key}`)
  }
  const [hostFrom, hostTo] = host
  // one port may take any of a range; a range takes a range of its own size, one to one
  if (numbers.length === 1) return [{ protocol, port: numbers[0] ?? 0, hostIp, hostFrom, hostTo }]
  if (hostTo - hostFrom + 1 !== numbers.length) {
    throw new InvalidParameterError(
      `invalid ranges specified for container and host Ports: ${key} and ${binding.HostPort}`,
    )
  }
  return numbers.map((port, index) => ({
    protocol,
    port,
    hostIp,
    hostFrom: hostFrom + index,
    hostTo: hostFrom + index,
  }))
}

interface ParsedPort {
  protocol: 'tcp' | 'udp'
  numbers: number[]
}

/** `80`, `80/tcp`, `8000-8010/udp`. */
function parsePort(text: string): ParsedPort {
  const [numbers = '', protocol = 'tcp', ...rest] = text.toLowerCase().split('/')
  const range = rest.length > 0 ? undefined : parseRange(numbers)
  if (range === undefined) throw new InvalidParameterError(`invalid port specification: "${text}"`)
  if (protocol === 'sctp')
    throw new InvalidParameterError(`port ${text}: publishing sctp ports is not implemented`)
  if (protocol !== 'tcp' && protocol !== 'udp')
    throw new InvalidParameterError(`invalid proto: ${protocol} in "${text}"`)
  const [from, to] = range
  return { protocol, numbers: Array.from({ length: to - from + 1 }, (_, index) => from + index) }
}

function parseRange(text: string): [number, number] | undefined {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text)
  if (match === null) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from < 1 || to > 65535 || to < from ? undefined : [from, to]
}

function holdOne(wish: PortWish, ip: string): HeldPort {
  const { protocol, port, hostIp } = wish
  for (let hostPort = wish.hostFrom; ; hostPort++) {
    try {
      const { fd, port: taken } = holdPort(protocol, hostIp, hostPort)
      return { protocol, port, hostIp, hostPort: taken, ip, fd }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (error.errno === EADDRINUSE && hostPort < wish.hostTo) continue
      throw asDockerSays(error, hostIp, hostPort, wish)
    }
  }
}

const EADDRINUSE = 98
const EADDRNOTAVAIL = 99

function asDockerSays(
  error: SystemError,
  hostIp: string,
  hostPort: number,
  wish: PortWish,
): EngineError {
  const cause = { cause: error }
  if (error.errno === EADDRINUSE) {
    const words =
      wish.hostTo > wish.hostFrom
        ? `all ports ${wish.hostFrom}-${wish.hostTo} are allocated`
        : 'port is already allocated'
    return new EngineError('SYSTEM', `Bind for ${hostIp}:${hostPort} failed: ${words}`, cause)
  }
  if (error.errno === EADDRNOTAVAIL) {
    return new EngineError(
      'SYSTEM',
      `listen ${wish.protocol}4 ${hostIp}:${hostPort}: bind: cannot assign requested address`,
      cause,
    )
  }
  return error
}
