import net from 'node:net'

/** As references name it; it is asked at another host. */
export const DOCKER_HUB = 'docker.io'

/** A server's name without brackets, and its port where one is said. */
export function splitHost(authority: string): { host: string; port: string | undefined } {
  const [, host = authority, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? []
  return { host: host.replace(/^\[|\]$/g, '').toLowerCase(), port }
}

/** localhost, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** True for an address within a network in CIDR form; names are not looked up. */
export function isInNetwork(host: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/')
  const [family, most] = net.isIP(base) === 6 ? (['ipv6', 128] as const) : (['ipv4', 32] as const)
  if (net.isIP(host) === 0 || net.isIP(base) !== net.isIP(host)) return false
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return false
  const list = new net.BlockList()
  list.addSubnet(base, Number(bits), family)
  return list.check(host, family)
}
