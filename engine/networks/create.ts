import { ForbiddenError, InvalidParameterError, NotFoundError } from '../errors.ts'
import type { NetworkCreateConfig } from '../contract/networks.ts'
import { goBoolean } from '../go-boolean.ts'
import type { BridgeConfig } from './document.ts'
import { allocateSubnet } from './ipam.ts'
import {
  contains,
  formatCidr,
  formatIp,
  lastOf,
  overlaps,
  parseCidr,
  parseIp,
  type Subnet,
} from './ipv4.ts'

const OPTION = {
  name: 'com.docker.network.bridge.name',
  icc: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  gatewayMode: 'com.docker.network.bridge.gateway_mode_ipv4',
  mtu: 'com.docker.network.driver.mtu',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
} as const

/** The options of Docker's default bridge, shown by inspect. */
export function defaultBridgeOptions(interfaceName: string): Record<string, string> {
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    [OPTION.icc]: 'true',
    [OPTION.masquerade]: 'true',
    [OPTION.hostBinding]: '0.0.0.0',
    [OPTION.name]: interfaceName,
    [OPTION.mtu]: '1500',
  }
}

/** What is there already, which a new network must not meet. */
export interface Surroundings {
  /** Subnets of our other networks. */
  networks: Subnet[]
  /** Where the host's routes, addresses and resolvers are: automatic choice avoids these too. */
  host: Subnet[]
  /** The interface's name when no option gives one. */
  interfaceName: string
}

/**
 * Reads the body of POST /networks/create: refuses, by name, what this engine does not do.
 *
 * @throws INVALID_PARAMETER, FORBIDDEN or NOT_FOUND (driver)
 */
export function planBridge(config: NetworkCreateConfig, around: Surroundings): BridgeConfig {
  checkKind(config)
  const options = readOptions(config.Options ?? {})
  const ipam = readIpam(config.IPAM)
  const subnet = ipam.subnet ?? allocateSubnet([...around.networks, ...around.host])
  if (around.networks.some((other) => overlaps(other, subnet))) {
    throw new ForbiddenError(
      'invalid pool request: Pool overlaps with other one on this address space',
    )
  }
  const gateway = ipam.gateway ?? firstFree(subnet, ipam.range, Object.values(ipam.auxiliary))
  return {
    interface: options.name ?? around.interfaceName,
    subnet: formatCidr(subnet),
    gateway,
    ...(ipam.range !== undefined && { ipRange: formatCidr(ipam.range) }),
    auxiliary: ipam.auxiliary,
    subnetChosen: ipam.subnet !== undefined,
    icc: options.icc,
    masquerade: options.masquerade,
    ...(options.mtu !== undefined && { mtu: options.mtu }),
    hostBinding: options.hostBinding,
    interfacePrefix: options.interfacePrefix,
  }
}

/** @throws INVALID_PARAMETER, FORBIDDEN for the predefined ones */
export function checkNetworkName(name: string): void {
  if (['bridge', 'host', 'none', 'default'].includes(name)) {
    throw new ForbiddenError(`operation is not permitted on predefined ${name} network `)
  }
  if (name === '') throw new InvalidParameterError('invalid name: name is empty')
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name)) {
    throw new InvalidParameterError(
      `invalid network name "${name}": up to 128 of [a-zA-Z0-9_.-], the first a letter or digit`,
    )
  }
}

function checkKind(config: NetworkCreateConfig): void {
  const driver = config.Driver === undefined || config.Driver === '' ? 'bridge' : config.Driver
  if (driver === 'host' || driver === 'null') {
    throw new ForbiddenError(`only one instance of "${driver}" network is allowed`)
  }
  if (['overlay', 'macvlan', 'ipvlan'].includes(driver)) {
    throw new InvalidParameterError(`network driver "${driver}" is not implemented: use "bridge"`)
  }
  if (driver !== 'bridge') throw new NotFoundError(`plugin "${driver}" not found`)
  if (config.Scope !== undefined && config.Scope !== '' && config.Scope !== 'local') {
    throw new InvalidParameterError(`Scope: "${config.Scope}" needs a swarm; only "local" is there`)
  }
  if (config.Ingress === true)
    throw new InvalidParameterError('Ingress: ingress networks need a swarm')
  if (config.ConfigOnly === true) {
    throw new InvalidParameterError('ConfigOnly: configuration-only networks are not implemented')
  }
  if (config.EnableIPv6 === true)
    throw new InvalidParameterError('EnableIPv6: IPv6 networks are not implemented')
  if (config.EnableIPv4 === false) {
    throw new InvalidParameterError('EnableIPv4: networks without IPv4 are not implemented')
  }
}

interface Options {
  name?: string
  icc: boolean
  masquerade: boolean
  mtu?: number
  hostBinding: string
  interfacePrefix: string
}

function readOptions(options: Record<string, string>): Options {
  const read: Options = {
    icc: true,
    masquerade: true,
    hostBinding: '0.0.0.0',
    interfacePrefix: 'eth',
  }
  for (const [name, value] of Object.entries(options)) {
    switch (name) {
      case OPTION.name:
        if (!isInterfaceName(value))
          throw new InvalidParameterError(`${name}: "${value}" is no interface name`)
        read.name = value
        break
      case OPTION.icc:
        read.icc = readBoolean(name, value)
        break
      case OPTION.masquerade:
        read.masquerade = readBoolean(name, value)
        break
      case OPTION.hostBinding:
        if (parseIp(value) === undefined)
          throw new InvalidParameterError(`${name}: "${value}" is no IPv4 address`)
        read.hostBinding = value
        break
      case OPTION.gatewayMode:
        if (value !== 'nat')
          throw new InvalidParameterError(`${name}: only "nat" is implemented, not "${value}"`)
        break
      case OPTION.mtu:
        if (
          !/^[0-9]+$/.test(value) ||
          Number(value) > 65535 ||
          (Number(value) < 68 && Number(value) !== 0)
        ) {
          throw new InvalidParameterError(`${name}: "${value}" is no MTU (68 to 65535)`)
        }
        if (Number(value) !== 0) read.mtu = Number(value)
        break
      case OPTION.interfacePrefix:
        if (!isInterfaceName(value) || value.length > 12 || value === 'lo') {
          throw new InvalidParameterError(`${name}: "${value}" is no prefix of interface names`)
        }
        read.interfacePrefix = value
        break
      default:
        throw new InvalidParameterError(`the bridge driver does not know the option "${name}"`)
    }
  }
  return read
}

interface Ipam {
  subnet?: Subnet
  range?: Subnet
  gateway?: string
  auxiliary: Record<string, string>
}

function readIpam(ipam: NetworkCreateConfig['IPAM']): Ipam {
  if (ipam?.Driver !== undefined && ipam.Driver !== '' && ipam.Driver !== 'default') {
    throw new NotFoundError(`could not find IPAM driver "${ipam.Driver}": only "default" is there`)
  }
  const option = Object.keys(ipam?.Options ?? {})[0]
  if (option !== undefined) {
    throw new InvalidParameterError(`the default IPAM driver does not know the option "${option}"`)
  }
  const configs = ipam?.Config ?? []
  if (configs.length > 1)
    throw new InvalidParameterError("bridge driver doesn't support multiple subnets")
  const [config = {}] = configs
  if (!config.Subnet) {
    const lonely = (['IPRange', 'Gateway', 'AuxiliaryAddresses'] as const).find(
      (field) => Object.keys(config[field] ?? '').length > 0,
    )
    if (lonely !== undefined)
      throw new InvalidParameterError(`IPAM ${lonely} needs a Subnet beside it`)
    return { auxiliary: {} }
  }
  return readSubnet(config.Subnet, config)
}

function readSubnet(
  text: string,
  config: { IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> },
): Ipam {
  if (text.includes(':'))
    throw new InvalidParameterError(`IPAM Subnet ${text}: IPv6 networks are not implemented`)
  const subnet = parseCidr(text)
  if (subnet === undefined)
    throw new InvalidParameterError(`Invalid subnet ${text} : invalid CIDR address: ${text}`)
  if (subnet.prefixLength < 8 || subnet.prefixLength > 30) {
    throw new InvalidParameterError(
      `Invalid subnet ${text} : its prefix length is not between 8 and 30`,
    )
  }
  if (subnet.ip !== subnet.base) {
    throw new InvalidParameterError(
      `invalid network config: invalid subnet ${text}: it should be ${formatCidr(subnet)}`,
    )
  }
  const range = config.IPRange ? parseCidr(config.IPRange) : undefined
  if (config.IPRange && range === undefined) {
    throw new InvalidParameterError(`invalid ip-range ${config.IPRange}: invalid CIDR address`)
  }
  if (range !== undefined && !(contains(subnet, range.base) && contains(subnet, lastOf(range)))) {
    throw new InvalidParameterError(
      `invalid ip-range ${config.IPRange ?? ''}: it is not within ${text}`,
    )
  }
  const inside = (what: string, address: string): string => {
    const ip = parseIp(address)
    if (ip === undefined)
      throw new InvalidParameterError(`${what}: "${address}" is no IPv4 address`)
    if (!contains(subnet, ip) || ip === subnet.base || ip === lastOf(subnet)) {
      throw new ForbiddenError(
        `failed to allocate ${what} (${address}): Requested address is out of range`,
      )
    }
    return address
  }
  const auxiliary = Object.fromEntries(
    Object.entries(config.AuxiliaryAddresses ?? {}).map(([name, address]) => [
      name,
      inside(`secondary ip address ${name}`, address),
    ]),
  )
  return {
    subnet,
    ...(range !== undefined && { range }),
    ...(config.Gateway && { gateway: inside('gateway', config.Gateway) }),
    auxiliary,
  }
}

/** Docker takes the gateway from the ip-range when there is one. */
function firstFree(subnet: Subnet, range: Subnet | undefined, taken: string[]): string {
  const from = range ?? subnet
  for (let ip = from.base; ip <= lastOf(from); ip++) {
    if (ip !== subnet.base && ip !== lastOf(subnet) && !taken.includes(formatIp(ip)))
      return formatIp(ip)
  }
  throw new ForbiddenError(`no address left for a gateway in ${formatCidr(from)}`)
}

function readBoolean(name: string, value: string): boolean {
  const truth = goBoolean(value)
  if (truth === undefined) {
    throw new InvalidParameterError(
      `failed to parse ${name} value: ${value} (strconv.ParseBool: parsing "${value}": invalid syntax)`,
    )
  }
  return truth
}

/** What the kernel takes: 1 to 15 bytes, no slash, colon or white space, not a dot or two. @see dev_valid_name() */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_.-]{1,15}$/.test(name) && name !== '.' && name !== '..'
}
