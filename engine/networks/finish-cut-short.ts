import { dropEndpoint } from './endpoints.ts'
import type { Live } from './live.ts'
import type { Endpoint, Network } from './network.ts'
import type { NetworkRegistry } from './registry.ts'
import { isAsked } from './wanted-networks.ts'
import type { Wiring } from './wiring.ts'

/**
 * Ends a connection or disconnection of a running container that an engine before us was killed in. Until it has written
 * down what came of it the container is where it was: what it lost of that is made again, unless it was to go.
 *
 * @param links names of those that there are on the host
 */
export async function finishCutShort(
  live: Live,
  links: ReadonlySet<string>,
  { registry, wiring }: { registry: NetworkRegistry; wiring: Wiring },
): Promise<void> {
  const lost = [...live.endpoints.values()].flatMap((endpoint): [Network, Endpoint][] => {
    const network = registry.byId(endpoint.networkId)
    return network === undefined || links.has(endpoint.veth) ? [] : [[network, endpoint]]
  })
  const wanted = lost.filter(([network]) => isAsked(live.request.networks, network))
  for (const one of lost) if (!wanted.includes(one)) dropEndpoint(live, ...one)
  await wiring.refresh(live, wanted)
}
