import fs from 'node:fs'
import { NotFoundError, SystemError } from '../errors.ts'
import { addAddressRequest } from '../netlink/address.ts'
import { deleteLink, findLink, linkStateRequest, vethRequests } from '../netlink/link.ts'
import { defaultRouteRequest, deleteDefaultRoute } from '../netlink/route.ts'
import { NetlinkSocket } from '../netlink/socket.ts'

export interface PlugOptions {
  /** The bridge's interface. */
  bridge: string
  /** The host's end, and the one inside. */
  veth: string
  name: string
  ip: string
  prefixLength: number
  mac: string
  mtu?: number | undefined
  isolated: boolean
  /** Makes it the way of the default route. */
  gateway?: string | undefined
}

/** Does something inside a network namespace by its own netlink socket. */
export async function insideNetns<T>(
  netnsPath: string,
  work: (inside: NetlinkSocket, nsfd: number) => Promise<T>,
): Promise<T> {
  const nsfd = openNetns(netnsPath)
  try {
    const inside = NetlinkSocket.open(nsfd)
    try {
      return await work(inside, nsfd)
    } finally {
      inside.close()
    }
  } finally {
    fs.closeSync(nsfd)
  }
}

/** A namespace's file, opened; nsfs answers at once, so this needs no thread. The caller closes it. */
export function openNetns(netnsPath: string): number {
  try {
    return fs.openSync(netnsPath, 'r')
  } catch (cause) {
    throw new NotFoundError(`network namespace ${netnsPath} is gone`, { cause })
  }
}

/** Connects a namespace to a bridge: a pair, one end a port of the bridge, the other up with its address. */
export async function plug(
  host: NetlinkSocket,
  inside: NetlinkSocket,
  nsfd: number,
  options: PlugOptions,
): Promise<void> {
  const bridge = bridgeIndex(host, options.bridge)
  try {
    await host.request(
      ...vethRequests({
        name: options.veth,
        bridge,
        peer: { name: options.name, nsfd, address: options.mac },
        mtu: options.mtu,
        hairpin: true,
        isolated: options.isolated,
      }),
    )
    const link = inside.indexOf(options.name)
    await inside.request(
      linkStateRequest(options.name, true),
      addAddressRequest({ link, ip: options.ip, prefixLength: options.prefixLength }),
      ...(options.gateway === undefined ? [] : [defaultRouteRequest(options.gateway, link)]),
    )
  } catch (error) {
    await deleteLink(host, options.veth)
    throw error
  }
}

function bridgeIndex(host: NetlinkSocket, bridge: string): number {
  try {
    return host.indexOf(bridge)
  } catch (cause) {
    throw new NotFoundError(`bridge ${bridge} is gone; start the engine again`, { cause })
  }
}

/** Points a namespace's default route at a gateway through one of its links, or takes it away. */
export async function setDefaultRoute(
  inside: NetlinkSocket,
  route: { gateway: string; link: string } | undefined,
): Promise<void> {
  if (route === undefined) return deleteDefaultRoute(inside)
  const link = await findLink(inside, route.link)
  if (link === undefined) throw new SystemError('netlink', 19, 'ENODEV', `${route.link} inside`)
  await inside.request(defaultRouteRequest(route.gateway, link.index))
}
