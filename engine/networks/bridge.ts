import fs from 'node:fs/promises'
import { ConflictError, SystemError } from '../errors.ts'
import { addAddressRequest, deleteAddressRequest, listAddresses } from '../netlink/address.ts'
import {
  bridgeRequests,
  bridgeUpRequest,
  deleteLink,
  findLink,
  type Link,
} from '../netlink/link.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import type { BridgeConfig } from './document.ts'
import { macOf, parseCidr } from './ipv4.ts'

/**
 * Makes a network's bridge as its document says, or brings the one that is there (the engine was started again) to it.
 *
 * @param ours whether an interface of that name that exists can only be this network's
 * @throws CONFLICT when something else has the name
 */
export async function ensureBridge(
  socket: NetlinkSocket,
  config: BridgeConfig,
  ours: boolean,
): Promise<Link> {
  const existing = await findLink(socket, config.interface)
  if (existing !== undefined && (existing.kind !== 'bridge' || !ours)) {
    throw new ConflictError(
      `interface ${config.interface} exists already and belongs to something else`,
    )
  }
  if (existing === undefined) {
    await socket.request(
      ...bridgeRequests({
        name: config.interface,
        address: macOf(config.gateway),
        mtu: config.mtu,
      }),
    )
  } else if (!existing.up) {
    // also the second half of what an engine before us was killed in
    await socket.request(bridgeUpRequest(config.interface))
  }
  const link = existing ?? (await findLink(socket, config.interface))
  if (link === undefined) throw new SystemError('netlink', 19, 'ENODEV', config.interface)
  try {
    await setAddress(socket, link, config)
    // a packet for 127.0.0.1:port, sent on into a container, leaves through the bridge
    await writeSysctl(`net/ipv4/conf/${config.interface}/route_localnet`, '1')
    await writeSysctl(`net/ipv4/conf/${config.interface}/forwarding`, '1')
  } catch (error) {
    if (existing === undefined) await deleteLink(socket, config.interface)
    throw error
  }
  return link
}

/** Forwarding between interfaces, without which nothing leaves or reaches a bridge. */
export async function enableForwarding(): Promise<void> {
  const file = '/proc/sys/net/ipv4/ip_forward'
  if ((await fs.readFile(file, 'utf8')).trim() !== '1') await fs.writeFile(file, '1')
}

/** True when packets between two ports of one bridge pass the IP hooks, where nftables can judge them. */
export async function bridgeTrafficIsFiltered(): Promise<boolean> {
  const text = await fs
    .readFile('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8')
    .catch(() => '0')
  return text.trim() === '1'
}

async function setAddress(socket: NetlinkSocket, link: Link, config: BridgeConfig): Promise<void> {
  const prefixLength = parseCidr(config.subnet)?.prefixLength ?? 32
  const wanted = { link: link.index, ip: config.gateway, prefixLength }
  let there = false
  for (const address of await listAddresses(socket)) {
    if (address.link !== link.index) continue
    if (address.ip === wanted.ip && address.prefixLength === prefixLength) there = true
    else await socket.request(deleteAddressRequest(address))
  }
  if (!there) await socket.request(addAddressRequest(wanted))
}

async function writeSysctl(name: string, value: string): Promise<void> {
  const file = `/proc/sys/${name}`
  try {
    await fs.writeFile(file, value)
  } catch (cause) {
    throw new SystemError('write', (cause as { errno?: number }).errno ?? 0, String(cause), file, {
      cause,
    })
  }
}
