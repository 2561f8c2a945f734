import type { Network } from './network.ts'

/** A port of the host led into a container. */
export interface Publication {
  protocol: 'tcp' | 'udp'
  /** `0.0.0.0` for every address of the host. */
  hostIp: string
  hostPort: number
  ip: string
  port: number
}

/**
 * The whole of an instance's nftables table, family inet, as one transaction that replaces what was there. The chains:
 *
 *     guard       prerouting, before connection tracking: no container speaks to or as 127.0.0.0/8, which
 *                 route_localnet on the bridges would otherwise let through to the host's own loopback
 *     published   from prerouting (others) and output (the host itself, 127.0.0.1 too): host port → container, by two maps
 *     leaving     postrouting: addresses of bridges that masquerade are hidden behind the host's; so are callers that would
 *                 be answered past the translation: the host's 127.0.0.1, and neighbours on the container's own bridge
 *     judge       forward: what may pass from and to our bridges; everything else on the host is none of our business
 */
export function renderTable(
  table: string,
  networks: readonly Network[],
  publications: readonly Publication[],
): string[] {
  const bridges = networks.filter((network) => network.document.bridge !== undefined)
  return [
    // deletes also when there is none
    `table inet ${table} { }`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    '  set bridges { type ifname; }',
    '  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }',
    '  map ports_at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }',
    '  chain guard { type filter hook prerouting priority raw; policy accept; }',
    '  chain published { }',
    '  chain arriving { type nat hook prerouting priority dstnat; policy accept; }',
    '  chain calling { type nat hook output priority -100; policy accept; }',
    '  chain leaving { type nat hook postrouting priority srcnat; policy accept; }',
    '  chain judge { type filter hook forward priority filter; policy accept; }',
    '}',
    ...renderChains(table, bridges),
    ...publications.map((publication) => addPublication(table, publication)),
  ]
}

/** Commands that bring the chains to what these networks need and leave the published ports as they are. */
export function renderNetworks(table: string, networks: readonly Network[]): string[] {
  const bridges = networks.filter((network) => network.document.bridge !== undefined)
  return [
    ...['guard', 'published', 'arriving', 'calling', 'leaving', 'judge'].map(
      (chain) => `flush chain inet ${table} ${chain}`,
    ),
    `flush set inet ${table} bridges`,
    ...renderChains(table, bridges),
  ]
}

export function addPublication(table: string, publication: Publication): string {
  return `add element inet ${table} ${mapOf(publication)} { ${keyOf(publication)} : ${publication.ip} . ${publication.port} }`
}

export function deletePublication(table: string, publication: Publication): string {
  return `delete element inet ${table} ${mapOf(publication)} { ${keyOf(publication)} }`
}

function renderChains(table: string, bridges: readonly Network[]): string[] {
  const rules: string[] = []
  const rule = (chain: string, text: string): void => {
    rules.push(`add rule inet ${table} ${chain} ${text}`)
  }
  const interfaces = bridges.map((network) => `"${network.bridge.interface}"`)
  if (interfaces.length > 0)
    rules.push(`add element inet ${table} bridges { ${interfaces.join(', ')} }`)

  rule('guard', 'iifname @bridges ip daddr 127.0.0.0/8 drop')
  rule('guard', 'iifname @bridges ip saddr 127.0.0.0/8 drop')

  rule('published', 'dnat ip to ip daddr . meta l4proto . th dport map @ports_at')
  rule('published', 'dnat ip to meta l4proto . th dport map @ports')
  rule('arriving', 'meta nfproto ipv4 fib daddr type local jump published')
  rule('calling', 'meta nfproto ipv4 fib daddr type local jump published')

  rule('leaving', 'oifname @bridges ip saddr 127.0.0.0/8 masquerade')
  for (const { bridge, document } of bridges) {
    rule(
      'leaving',
      `oifname "${bridge.interface}" ip saddr ${bridge.subnet} ct status dnat masquerade`,
    )
    if (bridge.masquerade && !document.internal) {
      rule('leaving', `oifname != "${bridge.interface}" ip saddr ${bridge.subnet} masquerade`)
    }
  }

  rule('judge', 'iifname != @bridges oifname != @bridges accept')
  rule('judge', 'ct state established,related accept')
  for (const { bridge, document } of bridges) {
    const name = `"${bridge.interface}"`
    if (!bridge.icc) {
      rule('judge', `iifname ${name} oifname ${name} ct status dnat accept`)
      rule('judge', `iifname ${name} oifname ${name} drop`)
    } else {
      rule('judge', `iifname ${name} oifname ${name} accept`)
    }
    if (!document.internal) continue
    rule('judge', `iifname ${name} drop`)
    rule('judge', `oifname ${name} drop`)
  }
  // published ports, from outside and from other bridges; nothing else comes in or crosses over
  rule('judge', 'oifname @bridges ct status dnat accept')
  rule('judge', 'oifname @bridges drop')
  return rules
}

function mapOf(publication: Publication): string {
  return publication.hostIp === '0.0.0.0' ? 'ports' : 'ports_at'
}

function keyOf({ hostIp, protocol, hostPort }: Publication): string {
  const key = `${protocol} . ${hostPort}`
  return hostIp === '0.0.0.0' ? key : `${hostIp} . ${key}`
}
