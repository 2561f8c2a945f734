import { ConflictError, ForbiddenError, InvalidParameterError } from '../errors.ts'
import { contains, formatIp, lastOf, overlaps, parseIp, type Subnet } from './ipv4.ts'

/**
 * The addresses of one network in use. It lives in memory only: what is in use follows from the sandboxes of the running
 * containers, each of which is reserved again when the engine comes back.
 */
export class AddressPool {
  readonly #subnet: Subnet
  readonly #range: Subnet
  /** Address to the endpoint that has it; the network's own ones to the word that says what they are. */
  readonly #used = new Map<number, string>()
  #next: number

  /** @param reserved never given out: the gateway, auxiliary addresses */
  constructor(subnet: Subnet, range: Subnet, reserved: readonly string[]) {
    this.#subnet = subnet
    this.#range = range
    this.#next = range.base
    if (subnet.prefixLength < 31) {
      this.#used.set(subnet.base, 'the network itself')
      this.#used.set(lastOf(subnet), 'broadcast')
    }
    for (const text of reserved) {
      const ip = parseIp(text)
      if (ip !== undefined) this.#used.set(ip, 'reserved')
    }
  }

  /** Of the subnet, the network's own ones included. */
  get inUse(): number {
    return this.#used.size
  }

  /** Of the range that addresses are given from. */
  get available(): number {
    const size = 2 ** (32 - this.#range.prefixLength)
    return size - [...this.#used.keys()].filter((ip) => contains(this.#range, ip)).length
  }

  /**
   * Takes the next free address of the range. It goes round rather than to the lowest one: an address just given back may
   * still stand in caches and connection tables.
   *
   * @throws CONFLICT when all are in use
   */
  allocate(owner: string, network: string): string {
    const size = 2 ** (32 - this.#range.prefixLength)
    for (let tried = 0; tried < size; tried++) {
      const ip = this.#next
      this.#next = ip === lastOf(this.#range) ? this.#range.base : ip + 1
      if (this.#used.has(ip)) continue
      this.#used.set(ip, owner)
      return formatIp(ip)
    }
    throw new ConflictError(
      `no available IPv4 addresses on this network's address pools: ${network}`,
    )
  }

  /** @throws INVALID_PARAMETER when it is not in the subnet, FORBIDDEN when another has it */
  reserve(text: string, owner: string): void {
    const ip = this.check(text)
    const holder = this.#used.get(ip)
    if (holder !== undefined && holder !== owner) throw new ForbiddenError('Address already in use')
    this.#used.set(ip, owner)
  }

  /** @throws INVALID_PARAMETER when the address cannot be one of this network's */
  check(text: string): number {
    const ip = parseIp(text)
    if (ip === undefined) throw new InvalidParameterError(`invalid IPv4 address: ${text}`)
    if (!contains(this.#subnet, ip)) {
      throw new InvalidParameterError(
        `invalid endpoint settings: no configured subnet or ip-range contain the IP address ${text}`,
      )
    }
    return ip
  }

  release(text: string, owner: string): void {
    const ip = parseIp(text)
    if (ip !== undefined && this.#used.get(ip) === owner) this.#used.delete(ip)
  }
}

/**
 * Where networks without a subnet of their own get theirs: Docker's pools, in an order that meets a dockerd on the same
 * host, which takes them from the lower end, last.
 */
const POOLS: Subnet[] = [
  ...range(31, 17).map((second): Subnet => ({
    base: 172 * 2 ** 24 + second * 2 ** 16,
    prefixLength: 16,
  })),
  ...range(15, 0).map((sixteenth): Subnet => ({
    base: 192 * 2 ** 24 + 168 * 2 ** 16 + sixteenth * 2 ** 12,
    prefixLength: 20,
  })),
]

/** @throws FORBIDDEN when every pool overlaps with something that is there */
export function allocateSubnet(taken: readonly Subnet[]): Subnet {
  const free = POOLS.find((pool) => !taken.some((other) => overlaps(pool, other)))
  if (free === undefined) {
    throw new ForbiddenError(
      'could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network',
    )
  }
  return free
}

function range(from: number, to: number): number[] {
  return Array.from({ length: from - to + 1 }, (_, index) => from - index)
}
