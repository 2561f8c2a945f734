import { check, native } from './addon.ts'

interface NetCalls {
  bindIn(nsfd: number, type: number, address: string, port: number, backlog: number): number
  boundPort(fd: number): number
}

/** Stands for the network namespace this process is in. */
export const OWN_NETNS = -1

const SOCK_STREAM = 1
const SOCK_DGRAM = 2

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
