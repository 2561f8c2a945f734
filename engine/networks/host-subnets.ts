import { ConflictError } from '../errors.ts'
import { listAddresses } from '../netlink/address.ts'
import { listLinks } from '../netlink/link.ts'
import { listRoutes } from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { overlaps, parseIp, type Subnet } from './ipv4.ts'
import type { Network } from './network.ts'
import { readHostResolvConf } from './resolv-conf.ts'

/** Where the host is already; a subnet chosen by us stays clear of it. */
export async function hostSubnets(netlink: NetlinkSocket): Promise<Subnet[]> {
  const [routes, addresses] = await Promise.all([listRoutes(netlink), listAddresses(netlink)])
  const at = (ip: string, prefixLength: number): Subnet[] => {
    const base = parseIp(ip)
    return base === undefined
      ? []
      : [{ base: base - (base % 2 ** (32 - prefixLength)), prefixLength }]
  }
  return [
    ...routes
      .filter((route) => route.prefixLength > 0)
      .flatMap((route) => at(route.destination, route.prefixLength)),
    ...addresses.flatMap((address) => at(address.ip, address.prefixLength)),
    ...readHostResolvConf().nameservers.flatMap((ip) => at(ip, 32)),
  ]
}

/**
 * The default bridge's subnet is set by hand: better no start than a host that has lost a network.
 *
 * @throws CONFLICT naming the route that is in the way
 */
export async function refuseOverlap(netlink: NetlinkSocket, network: Network): Promise<void> {
  const { subnet, bridge } = network
  if (subnet === undefined) return
  const links = await listLinks(netlink)
  for (const route of await listRoutes(netlink)) {
    const base = parseIp(route.destination)
    if (base === undefined || route.prefixLength === 0) continue
    const link = links.find((candidate) => candidate.index === route.link)?.name ?? 'another route'
    if (link !== bridge.interface && overlaps(subnet, { base, prefixLength: route.prefixLength })) {
      throw new ConflictError(
        `the default bridge's subnet ${bridge.subnet} overlaps with ${route.destination}/${route.prefixLength} of ${link}: ` +
          'set GANTRY_BRIDGE_SUBNET to another one',
      )
    }
  }
}
