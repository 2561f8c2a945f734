import { randomInt } from 'node:crypto'
import fs from 'node:fs'

/** Below what the kernel gives to connections of itself, so that none of these takes one before it is used. */
const FIRST = 20_000
const END = 32_000

/** Given to somebody of this process, who may not have taken it yet. */
const given = new Set<number>()

/**
 * A port, or the first of several in a row, that nobody on this host has, by TCP or UDP: for programs that cannot choose one
 * themselves and tell. Two runs at the same time get the same one seldom, as it is any of twelve thousand.
 *
 * @see proc_pid_net(5), /proc/net/tcp: local addresses and ports are hexadecimal
 */
export function freePort(count = 1): number {
  const taken = new Set<number>(given)
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const text = fs.readFileSync(`/proc/self/net/${table}`, 'latin1')
    for (const [, port = ''] of text.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm))
      taken.add(parseInt(port, 16))
  }
  for (;;) {
    const first = randomInt(FIRST, END - count)
    const ports = Array.from({ length: count }, (_, number) => first + number)
    if (ports.some((port) => taken.has(port))) continue
    for (const port of ports) given.add(port)
    return first
  }
}
