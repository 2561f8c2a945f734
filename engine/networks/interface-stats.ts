import fs from 'node:fs'

export interface InterfaceStats {
  rx_bytes: number
  rx_packets: number
  rx_errors: number
  rx_dropped: number
  tx_bytes: number
  tx_packets: number
  tx_errors: number
  tx_dropped: number
}

const FRESH_MS = 100

/**
 * The counters of all links of the host, read at most ten times a second: a hundred containers that are looked at cost one
 * read. The file takes no lock that a namespace under deconstruction would hold.
 *
 * @see /proc/net/dev, proc(5)
 */
export class InterfaceCounters {
  #readAt = -Infinity
  #counters = new Map<string, InterfaceStats>()

  /** @returns undefined when there is no link of that name */
  of(name: string): InterfaceStats | undefined {
    const now = performance.now()
    if (now - this.#readAt > FRESH_MS) {
      this.#counters = parseNetDev(fs.readFileSync('/proc/net/dev', 'utf8'))
      this.#readAt = now
    }
    return this.#counters.get(name)
  }
}

/** The other end of a pair has received what this one sent. */
export function fromOtherEnd(stats: InterfaceStats): InterfaceStats {
  return {
    rx_bytes: stats.tx_bytes,
    rx_packets: stats.tx_packets,
    rx_errors: stats.tx_errors,
    rx_dropped: stats.tx_dropped,
    tx_bytes: stats.rx_bytes,
    tx_packets: stats.rx_packets,
    tx_errors: stats.rx_errors,
    tx_dropped: stats.rx_dropped,
  }
}

export function parseNetDev(text: string): Map<string, InterfaceStats> {
  const counters = new Map<string, InterfaceStats>()
  for (const line of text.split('\n')) {
    const [, name, values] = /^\s*(\S+):\s*([0-9 ]+)$/.exec(line) ?? []
    if (name === undefined || values === undefined) continue
    const number = values.trim().split(/ +/).map(Number)
    const at = (index: number): number => number[index] ?? 0
    counters.set(name, {
      rx_bytes: at(0),
      rx_packets: at(1),
      rx_errors: at(2),
      rx_dropped: at(3),
      tx_bytes: at(8),
      tx_packets: at(9),
      tx_errors: at(10),
      tx_dropped: at(11),
    })
  }
  return counters
}
