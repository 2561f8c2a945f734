/** Interfaces by rtnetlink: what `ip link` does. @see rtnetlink(7), include/uapi/linux/if_link.h */
import { SystemError } from '../errors.ts'
import {
  attribute,
  decodeAttributes,
  fixedPart,
  nested,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  readText,
  readU32,
  text,
  u32,
  u8,
  type Message,
  type Request,
} from './message.ts'
import type { NetlinkSocket } from './socket.ts'

const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_GETLINK = 18

const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_MASTER = 10
const IFLA_LINKINFO = 18
const IFLA_AF_SPEC = 26
const IFLA_NET_NS_FD = 28
const IFLA_EXT_MASK = 29

const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_INFO_SLAVE_KIND = 4
const IFLA_INFO_SLAVE_DATA = 5
const VETH_INFO_PEER = 1
const IFLA_BRPORT_MODE = 4
const IFLA_BRPORT_ISOLATED = 33
const IFLA_INET6_ADDR_GEN_MODE = 8
const IN6_ADDR_GEN_MODE_NONE = 1
const RTEXT_FILTER_SKIP_STATS = 8

const AF_INET6 = 10
const IFF_UP = 1

/** struct ifinfomsg: family, padding, type, index, flags, change mask. */
const IFINFO = 16

export interface Link {
  index: number
  name: string
  up: boolean
  mtu: number
  /** `02:42:ac:1e:00:02`; empty when it has none. */
  address: string
  /** Index of the bridge it is a port of; 0 for none. */
  master: number
  /** `veth`, `bridge` …; empty for physical ones. */
  kind: string
}

/** A bridge that is up, without an IPv6 address of its own. */
export function bridgeRequests(bridge: {
  name: string
  address: string
  mtu?: number | undefined
}): Request[] {
  const create: Request = {
    what: `create bridge ${bridge.name}`,
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: Buffer.concat([
      ifinfo({}),
      attribute(IFLA_IFNAME, text(bridge.name)),
      attribute(IFLA_ADDRESS, encodeAddress(bridge.address)),
      ...(bridge.mtu === undefined ? [] : [attribute(IFLA_MTU, u32(bridge.mtu))]),
      nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, Buffer.from('bridge'))),
    ]),
  }
  return [create, bridgeUpRequest(bridge.name)]
}

/** What makes a bridge of one that was made only. */
export function bridgeUpRequest(name: string): Request {
  return {
    what: `set bridge ${name} up`,
    type: RTM_NEWLINK,
    flags: 0,
    body: Buffer.concat([
      ifinfo({ up: true }),
      attribute(IFLA_IFNAME, text(name)),
      withoutIpv6Address(),
    ]),
  }
}

export interface VethOptions {
  /** Of the host's end. */
  name: string
  /** Index of the bridge the host's end becomes a port of. */
  bridge: number
  peer: {
    name: string
    /** Open on the namespace the peer is born in. */
    nsfd: number
    address: string
  }
  mtu?: number | undefined
  /** The port may send back to where it came from: a container that calls its own published port needs it. */
  hairpin?: boolean
  /** The port reaches only ports that are not isolated, that is the bridge itself. */
  isolated?: boolean
}

/** A pair of which one end is a port of a bridge here, up, and the other is born, down, in another namespace. */
export function vethRequests(veth: VethOptions): Request[] {
  const mtu = veth.mtu === undefined ? [] : [attribute(IFLA_MTU, u32(veth.mtu))]
  const peer = Buffer.concat([
    // up comes later: the driver opens no end before both are there
    ifinfo({}),
    attribute(IFLA_IFNAME, text(veth.peer.name)),
    attribute(IFLA_ADDRESS, encodeAddress(veth.peer.address)),
    ...mtu,
    attribute(IFLA_NET_NS_FD, u32(veth.peer.nsfd)),
  ])
  const create: Request = {
    what: `create veth ${veth.name} with its peer ${veth.peer.name}`,
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: Buffer.concat([
      ifinfo({}),
      attribute(IFLA_IFNAME, text(veth.name)),
      ...mtu,
      attribute(IFLA_MASTER, u32(veth.bridge)),
      nested(
        IFLA_LINKINFO,
        attribute(IFLA_INFO_KIND, Buffer.from('veth')),
        nested(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, peer)),
      ),
    ]),
  }
  // what belongs to the port can only be set once it is one
  const configure: Request = {
    what: `set veth ${veth.name} up as a port of its bridge`,
    type: RTM_NEWLINK,
    flags: 0,
    body: Buffer.concat([
      ifinfo({ up: true }),
      attribute(IFLA_IFNAME, text(veth.name)),
      withoutIpv6Address(),
      nested(
        IFLA_LINKINFO,
        attribute(IFLA_INFO_SLAVE_KIND, Buffer.from('bridge')),
        nested(
          IFLA_INFO_SLAVE_DATA,
          attribute(IFLA_BRPORT_MODE, u8(veth.hairpin === true ? 1 : 0)),
          attribute(IFLA_BRPORT_ISOLATED, u8(veth.isolated === true ? 1 : 0)),
        ),
      ),
    ]),
  }
  return [create, configure]
}

/** Sets a link up or down. */
export function linkStateRequest(name: string, up: boolean): Request {
  return {
    what: `set link ${name} ${up ? 'up' : 'down'}`,
    type: RTM_NEWLINK,
    flags: 0,
    body: Buffer.concat([ifinfo({ up }), attribute(IFLA_IFNAME, text(name))]),
  }
}

/** Renames a link; it has to be down before kernel 6.2. */
export function renameLinkRequest(index: number, name: string): Request {
  return {
    what: `rename link ${index} to ${name}`,
    type: RTM_NEWLINK,
    flags: 0,
    body: Buffer.concat([ifinfo({ index }), attribute(IFLA_IFNAME, text(name))]),
  }
}

/** Deletes a link, a veth's peer with it. */
export function deleteLinkRequest(name: string): Request {
  return {
    what: `delete link ${name}`,
    type: RTM_DELLINK,
    flags: 0,
    body: Buffer.concat([ifinfo({}), attribute(IFLA_IFNAME, text(name))]),
  }
}

/** @returns false when there was none of that name */
export async function deleteLink(socket: NetlinkSocket, name: string): Promise<boolean> {
  try {
    await socket.request(deleteLinkRequest(name))
    return true
  } catch (error) {
    if (isNoDevice(error)) return false
    throw error
  }
}

export async function findLink(socket: NetlinkSocket, name: string): Promise<Link | undefined> {
  const request: Request = {
    what: `look up link ${name}`,
    type: RTM_GETLINK,
    flags: 0,
    body: Buffer.concat([
      ifinfo({}),
      attribute(IFLA_IFNAME, text(name)),
      attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS)),
    ]),
  }
  try {
    const [messages] = await socket.request(request)
    return messages?.filter((message) => message.type === RTM_NEWLINK).map(decodeLink)[0]
  } catch (error) {
    if (isNoDevice(error)) return undefined
    throw error
  }
}

export async function listLinks(socket: NetlinkSocket): Promise<Link[]> {
  const [messages = []] = await socket.request({
    what: 'list links',
    type: RTM_GETLINK,
    flags: NLM_F_DUMP,
    body: Buffer.concat([ifinfo({}), attribute(IFLA_EXT_MASK, u32(RTEXT_FILTER_SKIP_STATS))]),
  })
  return messages.filter((message) => message.type === RTM_NEWLINK).map(decodeLink)
}

/** @throws SystemError EBADMSG when the message is malformed */
export function decodeLink(message: Message): Link {
  const info = fixedPart(message, IFINFO)
  const attributes = decodeAttributes(message.body, IFINFO)
  const name = attributes.get(IFLA_IFNAME)
  const mtu = attributes.get(IFLA_MTU)
  const master = attributes.get(IFLA_MASTER)
  const linkInfo = attributes.get(IFLA_LINKINFO)
  const kind = linkInfo === undefined ? undefined : decodeAttributes(linkInfo).get(IFLA_INFO_KIND)
  return {
    index: info.readInt32LE(4),
    name: name === undefined ? '' : readText(name),
    up: (info.readUInt32LE(8) & IFF_UP) !== 0,
    mtu: mtu === undefined ? 0 : readU32(mtu),
    address: [...(attributes.get(IFLA_ADDRESS) ?? [])]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(':'),
    master: master === undefined ? 0 : readU32(master),
    kind: kind === undefined ? '' : readText(kind),
  }
}

function isNoDevice(error: unknown): boolean {
  // ENODEV; ENOENT from kernels that look the alternative names up too
  return error instanceof SystemError && (error.errno === 19 || error.errno === 2)
}

function ifinfo(fields: { index?: number; up?: boolean }): Buffer {
  const info = Buffer.alloc(IFINFO)
  info.writeInt32LE(fields.index ?? 0, 4)
  if (fields.up !== undefined) {
    info.writeUInt32LE(fields.up ? IFF_UP : 0, 8)
    info.writeUInt32LE(IFF_UP, 12)
  }
  return info
}

/** No fe80:: on the host's ends: nothing there speaks IPv6, and each would join groups and probe for duplicates. */
function withoutIpv6Address(): Buffer {
  return nested(
    IFLA_AF_SPEC,
    nested(AF_INET6, attribute(IFLA_INET6_ADDR_GEN_MODE, u8(IN6_ADDR_GEN_MODE_NONE))),
  )
}

function encodeAddress(address: string): Buffer {
  return Buffer.from(address.split(':').map((byte) => Number.parseInt(byte, 16)))
}
