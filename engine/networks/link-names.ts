import { randomBytes } from 'node:crypto'

/** Of an interface. @see netdevice(7), IFNAMSIZ, of which the last is a NUL */
const NAME_MAX = 15
/** As many hexadecimal digits as there is room for behind the prefix of an instance and one character, but not more. */
const BRIDGE_DIGITS = 10
const VETH_DIGITS = 8

/** The bridge of a user-defined network. */
export function bridgeNameOf(linkPrefix: string, networkId: string): string {
  return `${linkPrefix}-${networkId.slice(0, digits(linkPrefix, BRIDGE_DIGITS))}`
}

/** The host's end of a new pair. */
export function newVethName(linkPrefix: string): string {
  const random = randomBytes(VETH_DIGITS / 2).toString('hex')
  return `${linkPrefix}v${random.slice(0, digits(linkPrefix, VETH_DIGITS))}`
}

/** Tells the links of an instance from all others of the host. */
export function ownLinkNames(linkPrefix: string): RegExp {
  const [veth, bridge] = [digits(linkPrefix, VETH_DIGITS), digits(linkPrefix, BRIDGE_DIGITS)]
  return new RegExp(`^${linkPrefix}(v[0-9a-f]{${String(veth)}}|-[0-9a-f]{${String(bridge)}})$`)
}

function digits(linkPrefix: string, most: number): number {
  return Math.min(most, NAME_MAX - linkPrefix.length - 1)
}
