import { check, native } from './addon.ts'

interface NetCalls {
  netlinkOpen(nsfd: number, protocol: number): number
  netlinkTalk(fd: number, request: Buffer, ends: number): Promise<Buffer | number> | number
  linkIndex(fd: number, name: string): number
  connectUnixStream(path: string): number
  sendDescriptor(fd: number, bytes: Buffer, passed: number): number
  bindIn(nsfd: number, type: number, address: string, port: number, backlog: number): number
  boundPort(fd: number): number
  newNetns(path: string, sysctls: string): Promise<number> | number
  newOwnedNetns(
    net: string,
    user: string,
    join: string | null,
    uidMap: string,
    gidMap: string,
    sysctls: string,
  ): Promise<number> | number
}

/** Stands for the network namespace this process is in. */
export const OWN_NETNS = -1

/** @see rtnetlink(7) */
export const NETLINK_ROUTE = 0
/** @see netlink(7) */
export const NETLINK_NETFILTER = 12

const SOCK_STREAM = 1
const SOCK_DGRAM = 2

/**
 * Makes a network namespace whose loopback is up and keeps it by a bind mount on an existing empty file.
 *
 * @param sysctls written inside it, by path below /proc/sys; those the kernel lacks are skipped
 * @throws SystemError
 */
export async function newNetns(path: string, sysctls: Record<string, string> = {}): Promise<void> {
  check('unshare CLONE_NEWNET', await native<NetCalls>().newNetns(path, linesOf(sysctls)), path)
}

/** Ids 0 to size-1 of a user namespace and those on the host that stand for them. @see user_namespaces(7) */
export interface IdMap {
  uid: number
  gid: number
  size: number
}

/** A user namespace that is to own a network namespace: made with these ids, or that of a file. */
export interface UserNamespaceRequest {
  ids: IdMap
  join?: string | undefined
}

/**
 * As newNetns, but owned by a user namespace, which is kept on the file `user`: only then has root inside power over it.
 *
 * @throws SystemError; either file may then be mounted on
 */
export async function newOwnedNetns(
  net: string,
  user: string,
  { ids, join }: UserNamespaceRequest,
  sysctls: Record<string, string> = {},
): Promise<void> {
  const map = (first: number): string => `0 ${String(first)} ${String(ids.size)}\n`
  check(
    'clone CLONE_NEWUSER',
    await native<NetCalls>().newOwnedNetns(
      net,
      user,
      join ?? null,
      map(ids.uid),
      map(ids.gid),
      linesOf(sysctls),
    ),
    net,
  )
}

function linesOf(sysctls: Record<string, string>): string {
  return Object.entries(sysctls)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** A netlink socket in the namespace that `nsfd` is open on. The caller closes it. */
export function openNetlink(nsfd: number, protocol: number): number {
  return check('socket AF_NETLINK', native<NetCalls>().netlinkOpen(nsfd, protocol))
}

/**
 * Sends a batch of netlink messages and collects the answers up to the `ends`-th acknowledgement, error or end of dump.
 * One exchange at a time per socket.
 *
 * @throws SystemError, ETIMEDOUT when the kernel is silent for 20 s
 */
export async function talkNetlink(fd: number, request: Buffer, ends: number): Promise<Buffer> {
  const answer = await native<NetCalls>().netlinkTalk(fd, request, ends)
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
  return check('look up link', native<NetCalls>().linkIndex(fd, name), name)
}

const EAGAIN = 11

/**
 * Connects to a unix socket at once, which is what the kernel does with them: no turn of the event loop goes by.
 *
 * @returns the descriptor, which does not block; undefined when more clients wait there to be accepted than may
 * @throws SystemError, ENOENT and ECONNREFUSED when nobody listens
 */
export function connectUnixStream(path: string): number | undefined {
  const fd = native<NetCalls>().connectUnixStream(path)
  return fd === -EAGAIN ? undefined : check('connect', fd, path)
}

/**
 * Sends bytes over a unix stream socket at once, and with the first of them a descriptor, which stays the caller's own
 * as well.
 *
 * @returns how many bytes went
 * @throws SystemError, EAGAIN when none did
 * @see SCM_RIGHTS, unix(7)
 */
export function sendDescriptor(fd: number, bytes: Buffer, passed: number): number {
  return check('sendmsg', native<NetCalls>().sendDescriptor(fd, bytes, passed))
}

/**
 * A TCP socket that listens on an IPv4 address inside a network namespace; hand it to `server.listen({ fd })`.
 *
 * @throws SystemError, EADDRINUSE among them
 */
export function listenIn(nsfd: number, address: string, port: number, backlog = 64): number {
  const about = `${address}:${port}/tcp`
  return check(
    'listen',
    native<NetCalls>().bindIn(nsfd, SOCK_STREAM, address, port, backlog),
    about,
  )
}

/** A bound UDP socket inside a network namespace; hand it to `socket.bind({ fd })`. */
export function bindUdpIn(nsfd: number, address: string, port: number): number {
  return check(
    'bind',
    native<NetCalls>().bindIn(nsfd, SOCK_DGRAM, address, port, -1),
    `${address}:${port}/udp`,
  )
}

/**
 * Takes a port of the host for oneself without serving it: no other program can bind it (port 0: some free one).
 *
 * @returns the descriptor that holds it
 * @throws SystemError, EADDRINUSE when it is taken
 */
export function holdPort(
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
): { fd: number; port: number } {
  const type = protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM
  const fd = check(
    'bind',
    native<NetCalls>().bindIn(OWN_NETNS, type, address, port, -1),
    `${address}:${port}/${protocol}`,
  )
  return { fd, port: check('getsockname', native<NetCalls>().boundPort(fd)) }
}
