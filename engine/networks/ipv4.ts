/** IPv4 addresses as unsigned 32-bit numbers, and subnets of them. */

export interface Subnet {
  /** Its first address. */
  base: number
  prefixLength: number
}

/** @returns undefined when the text is no dotted quad */
export function parseIp(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined
    value = value * 256 + Number(part)
  }
  return value
}

export function formatIp(ip: number): string {
  return [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.')
}

/**
 * Reads `10.1.2.3/16`; the host part may be set and is given as `ip`.
 *
 * @returns undefined when the text is no IPv4 CIDR
 */
export function parseCidr(text: string): (Subnet & { ip: number }) | undefined {
  const match = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text)
  const ip = parseIp(match?.[1] ?? '')
  const prefixLength = Number(match?.[2] ?? 33)
  if (ip === undefined || prefixLength > 32) return undefined
  return { ip, base: firstOf(ip, prefixLength), prefixLength }
}

export function formatCidr(subnet: Subnet): string {
  return `${formatIp(subnet.base)}/${subnet.prefixLength}`
}

/** The subnet's last address, its broadcast address. */
export function lastOf(subnet: Subnet): number {
  return subnet.base + 2 ** (32 - subnet.prefixLength) - 1
}

export function contains(subnet: Subnet, ip: number): boolean {
  return ip >= subnet.base && ip <= lastOf(subnet)
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base <= lastOf(b) && b.base <= lastOf(a)
}

/** Docker's way to a MAC address: locally administered, made of the IP, so that neighbours' caches stay true. */
export function macOf(ip: string): string {
  return `02:42:${ip
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join(':')}`
}

function firstOf(ip: number, prefixLength: number): number {
  const size = 2 ** (32 - prefixLength)
  return Math.floor(ip / size) * size
}
