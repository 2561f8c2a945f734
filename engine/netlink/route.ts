/** IPv4 routes by rtnetlink: what `ip route` does. @see rtnetlink(7), include/uapi/linux/rtnetlink.h */
import { SystemError } from '../errors.ts'
import { decodeIp, encodeIp } from './address.ts'
import {
  attribute,
  decodeAttributes,
  fixedPart,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_REPLACE,
  readU32,
  u32,
  type Message,
  type Request,
} from './message.ts'
import type { NetlinkSocket } from './socket.ts'

const RTM_NEWROUTE = 24
const RTM_DELROUTE = 25
const RTM_GETROUTE = 26
const RTA_DST = 1
const RTA_OIF = 4
const RTA_GATEWAY = 5
const AF_INET = 2
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const RT_SCOPE_UNIVERSE = 0
const RT_SCOPE_NOWHERE = 255
const RTN_UNICAST = 1

/** struct rtmsg: family, destination and source prefix, tos, table, protocol, scope, type, flags. */
const RTMSG = 12

export interface Route {
  /** `0.0.0.0` with prefix length 0 for the default route. */
  destination: string
  prefixLength: number
  gateway?: string
  /** Index of the link it leaves through; 0 when it has several or none. */
  link: number
}

/** The default route of a namespace, in place of any there is. */
export function defaultRouteRequest(gateway: string, link: number): Request {
  return {
    what: `set the default route via ${gateway}`,
    type: RTM_NEWROUTE,
    flags: NLM_F_CREATE | NLM_F_REPLACE,
    body: Buffer.concat([
      rtmsg(RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST),
      attribute(RTA_GATEWAY, encodeIp(gateway)),
      attribute(RTA_OIF, u32(link)),
    ]),
  }
}

/** Takes the default route away, if there is one. */
export async function deleteDefaultRoute(socket: NetlinkSocket): Promise<void> {
  try {
    await socket.request({
      what: 'delete the default route',
      type: RTM_DELROUTE,
      flags: 0,
      body: rtmsg(0, RT_SCOPE_NOWHERE, 0),
    })
  } catch (error) {
    if (!(error instanceof SystemError && error.errno === 3)) throw error // ESRCH: none
  }
}

/** The unicast routes of the main table. */
export async function listRoutes(socket: NetlinkSocket): Promise<Route[]> {
  const body = Buffer.alloc(RTMSG)
  body[0] = AF_INET
  const [messages = []] = await socket.request({
    what: 'list routes',
    type: RTM_GETROUTE,
    flags: NLM_F_DUMP,
    body,
  })
  return messages.filter((message) => message.type === RTM_NEWROUTE).flatMap(decodeRoute)
}

/** @throws SystemError EBADMSG when the message is malformed */
export function decodeRoute(message: Message): Route[] {
  const info = fixedPart(message, RTMSG)
  if (info[0] !== AF_INET || info[4] !== RT_TABLE_MAIN || info[7] !== RTN_UNICAST) return []
  const attributes = decodeAttributes(message.body, RTMSG)
  const destination = attributes.get(RTA_DST)
  const gateway = attributes.get(RTA_GATEWAY)
  const link = attributes.get(RTA_OIF)
  return [
    {
      destination: destination?.length === 4 ? decodeIp(destination) : '0.0.0.0',
      prefixLength: info.readUInt8(1),
      ...(gateway?.length === 4 && { gateway: decodeIp(gateway) }),
      link: link === undefined ? 0 : readU32(link),
    },
  ]
}

function rtmsg(protocol: number, scope: number, type: number): Buffer {
  const info = Buffer.alloc(RTMSG)
  info[0] = AF_INET
  info[4] = RT_TABLE_MAIN
  info[5] = protocol
  info[6] = scope
  info[7] = type
  return info
}
