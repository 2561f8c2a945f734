import { attributed } from '../caller.ts'
import type { Filters } from '../contract/common.ts'
import { InvalidParameterError } from '../errors.ts'
import { booleanFilter, checkFilters, matchesAny, matchesLabels } from '../filters.ts'
import type { EndpointResource, NetworkInspect } from '../types/docker.ts'
import type { Attributed } from '../types/gantry.ts'
import { formatCidr, parseCidr } from './ipv4.ts'
import type { Network } from './network.ts'

const KNOWN = ['dangling', 'driver', 'id', 'label', 'label!', 'name', 'scope', 'type']

/**
 * @throws INVALID_PARAMETER naming the filter
 * @see GET /networks
 */
export function filterNetworks(networks: readonly Network[], filters: Filters): Network[] {
  checkFilters(filters, KNOWN)
  const dangling = booleanFilter(filters, 'dangling')
  for (const type of filters['type'] ?? []) {
    if (type !== 'custom' && type !== 'builtin')
      throw new InvalidParameterError(`invalid filter: 'type'='${type}'`)
  }
  return networks.filter(
    (network) =>
      (dangling === undefined ||
        dangling === (!network.isPredefined && network.endpoints.size === 0)) &&
      matchesAny(filters, 'driver', (driver) => driver === network.document.driver) &&
      matchesAny(filters, 'id', (id) => network.id.startsWith(id)) &&
      matchesAny(filters, 'name', (name) => network.name.includes(name)) &&
      matchesAny(filters, 'scope', (scope) => scope === 'local') &&
      matchesAny(filters, 'type', (type) => (type === 'builtin') === network.isPredefined) &&
      matchesLabels(filters, network.document.labels),
  )
}

/** @see GET /networks/{id} */
export function describeNetwork(network: Network): NetworkInspect & Attributed {
  const { document } = network
  const bridge = document.bridge
  return {
    Name: document.name,
    Id: document.id,
    Created: document.created,
    Scope: 'local',
    Driver: document.driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: {
      Driver: 'default',
      Options: {},
      Config:
        bridge === undefined
          ? []
          : [
              {
                Subnet: bridge.subnet,
                ...(bridge.ipRange !== undefined && { IPRange: bridge.ipRange }),
                Gateway: bridge.gateway,
                ...(Object.keys(bridge.auxiliary).length > 0 && {
                  AuxiliaryAddresses: bridge.auxiliary,
                }),
              },
            ],
    },
    Internal: document.internal,
    Attachable: document.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: containersOf(network),
    Options: document.options,
    Labels: document.labels,
    ...attributed(document.createdBy),
    ...(network.pool !== undefined &&
      network.subnet !== undefined && {
        Status: {
          IPAM: {
            Subnets: {
              [formatCidr(network.subnet)]: {
                IPsInUse: network.pool.inUse,
                DynamicIPsAvailable: network.pool.available,
              },
            },
          },
        },
      }),
  }
}

function containersOf(network: Network): Record<string, EndpointResource> {
  const prefixLength = parseCidr(network.document.bridge?.subnet ?? '')?.prefixLength ?? 0
  const containers: Record<string, EndpointResource> = {}
  for (const endpoint of network.endpoints.values()) {
    containers[endpoint.containerId] = {
      Name: endpoint.containerName,
      EndpointID: endpoint.id,
      MacAddress: endpoint.mac,
      IPv4Address: `${endpoint.ip}/${prefixLength}`,
      IPv6Address: '',
    }
  }
  for (const [containerId, member] of network.members) {
    containers[containerId] = {
      Name: member.containerName,
      EndpointID: member.endpointId,
      MacAddress: '',
      IPv4Address: '',
      IPv6Address: '',
    }
  }
  return containers
}
