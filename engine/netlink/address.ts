/** IPv4 addresses by rtnetlink: what `ip address` does. @see rtnetlink(7), include/uapi/linux/if_addr.h */
import {
  attribute,
  decodeAttributes,
  fixedPart,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  type Message,
  type Request,
} from './message.ts'
import type { NetlinkSocket } from './socket.ts'

const RTM_NEWADDR = 20
const RTM_DELADDR = 21
const RTM_GETADDR = 22
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_BROADCAST = 4
const AF_INET = 2

/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
const IFADDR = 8

export interface Address {
  /** Index of its link. */
  link: number
  ip: string
  prefixLength: number
}

/** Gives a link an address; the kernel adds the route to its subnet once the link is up. */
export function addAddressRequest(address: Address): Request {
  const ip = encodeIp(address.ip)
  // all ones behind the prefix
  const broadcast = Buffer.alloc(4)
  const host = address.prefixLength === 0 ? 0xffffffff : 2 ** (32 - address.prefixLength) - 1
  broadcast.writeUInt32BE((ip.readUInt32BE(0) | host) >>> 0)
  return {
    what: `add address ${address.ip}/${address.prefixLength}`,
    type: RTM_NEWADDR,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: Buffer.concat([
      ifaddr(address),
      attribute(IFA_LOCAL, ip),
      attribute(IFA_ADDRESS, ip),
      attribute(IFA_BROADCAST, broadcast),
    ]),
  }
}

export function deleteAddressRequest(address: Address): Request {
  const ip = encodeIp(address.ip)
  return {
    what: `delete address ${address.ip}/${address.prefixLength}`,
    type: RTM_DELADDR,
    flags: 0,
    body: Buffer.concat([ifaddr(address), attribute(IFA_LOCAL, ip), attribute(IFA_ADDRESS, ip)]),
  }
}

export async function listAddresses(socket: NetlinkSocket): Promise<Address[]> {
  const body = Buffer.alloc(IFADDR)
  body[0] = AF_INET
  const [messages = []] = await socket.request({
    what: 'list addresses',
    type: RTM_GETADDR,
    flags: NLM_F_DUMP,
    body,
  })
  return messages.filter((message) => message.type === RTM_NEWADDR).flatMap(decodeAddress)
}

/** @throws SystemError EBADMSG when the message is malformed */
export function decodeAddress(message: Message): Address[] {
  const info = fixedPart(message, IFADDR)
  const attributes = decodeAttributes(message.body, IFADDR)
  const ip = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS)
  if (info[0] !== AF_INET || ip?.length !== 4) return []
  return [{ link: info.readUInt32LE(4), ip: decodeIp(ip), prefixLength: info.readUInt8(1) }]
}

export function encodeIp(ip: string): Buffer {
  return Buffer.from(ip.split('.').map(Number))
}

export function decodeIp(bytes: Buffer): string {
  return bytes.join('.')
}

function ifaddr(address: Address): Buffer {
  const info = Buffer.alloc(IFADDR)
  info[0] = AF_INET
  info[1] = address.prefixLength
  info.writeUInt32LE(address.link, 4)
  return info
}
