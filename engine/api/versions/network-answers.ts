import type { NetworkInspect } from '../../types/docker.ts'
import type { Spoken } from './spoken.ts'

/** The list of networks in the client's version: who is in them is told by inspect alone since 1.28. */
export function networksFor(client: Spoken, list: NetworkInspect[]): unknown[] {
  return list.map(({ Containers, Services: _services, Status: _status, ...summary }) => {
    if (client.speaks('1.52')) return summary
    return { ...summary, Containers: client.speaks('1.28') ? {} : Containers }
  })
}

/** One network in the client's version: how its addresses are used is told since 1.52. */
export function networkFor(client: Spoken, network: NetworkInspect): NetworkInspect {
  if (client.speaks('1.52')) return network
  const { Status: _status, ...told } = network
  return told
}
