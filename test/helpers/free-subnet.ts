import fs from 'node:fs'

let given = process.pid >> 8

/**
 * A subnet for a bridge, `10.x.y.0/24`, that no other test in this process or beside it has, nor the host.
 *
 * A killed test leaves its bridge, and an engine that somebody else runs may have a large subnet: what the host has a route
 * to is passed over.
 */
export function freeSubnet(): string {
  const taken = routes()
  for (let third = process.pid; ; third++) {
    given = (given + 1) % 64
    const [second, last] = [100 + given, third % 256]
    const base = ((10 << 24) | (second << 16) | (last << 8)) >>> 0
    if (!taken.some(({ destination, mask }) => meet(base, destination, mask)))
      return `10.${second}.${last}.0/24`
  }
}

/** Whether a /24 and a route have addresses in common: those of the shorter prefix decide. */
function meet(base: number, destination: number, mask: number): boolean {
  const shorter = mask & 0xffffff00
  return (base & shorter) === (destination & shorter)
}

/**
 * Also those of bridges without a carrier, as a run that was killed leaves them: os.networkInterfaces() is silent of these.
 *
 * @see proc_pid_net(5), /proc/net/route: addresses are hexadecimal, in the machine's (little-endian) order
 */
function routes(): { destination: number; mask: number }[] {
  const lines = fs.readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1)
  return lines
    .map((line) => {
      const fields = line.split('\t')
      const read = (field = ''): number => Buffer.from(field, 'hex').readInt32LE()
      return { destination: read(fields[1]), mask: read(fields[7]) }
    })
    .filter(({ mask }) => mask !== 0)
}
