import { check, native } from './addon.ts'

interface NetlinkCalls {
  netlinkOpen(nsfd: number, protocol: number): number
  netlinkTalk(fd: number, request: Buffer, ends: number): Promise<Buffer | number> | number
  linkIndex(fd: number, name: string): number
}

/** @see rtnetlink(7) */
export const NETLINK_ROUTE = 0
/** @see netlink(7) */
export const NETLINK_NETFILTER = 12

/** A netlink socket in the namespace that `nsfd` is open on. The caller closes it. */
export function openNetlink(nsfd: number, protocol: number): number {
  return check('socket AF_NETLINK', native<NetlinkCalls>().netlinkOpen(nsfd, protocol))
}

/**
 * Sends a batch of netlink messages and collects the answers up to the `ends`-th acknowledgement, error or end of dump.
 * One exchange at a time per socket.
 *
 * @throws SystemError, ETIMEDOUT when the kernel is silent for 20 s
 */
export async function talkNetlink(fd: number, request: Buffer, ends: number): Promise<Buffer> {
  const answer = await native<NetlinkCalls>().netlinkTalk(fd, request, ends)
  if (typeof answer !== 'number') return answer
  check('netlink', answer)
  throw new RangeError('netlinkTalk answered a number that is no error')
}

/**
 * The index of an interface in a socket's network namespace, at once.
 *
 * @throws SystemError, ENODEV when there is none of that name
 * @see SIOCGIFINDEX, netdevice(7)
 */
export function linkIndex(fd: number, name: string): number {
  return check('look up link', native<NetlinkCalls>().linkIndex(fd, name), name)
}
