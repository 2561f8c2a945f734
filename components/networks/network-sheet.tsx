'use client'
import { useQuery } from '@tanstack/react-query'
import type { ContainerSummary, NetworkInspect } from '@/engine/types/docker.ts'
import { makerOf } from '@/components/callers/caller-words.ts'
import { engine } from '@/components/engine/client.ts'
import { containerName } from '@/components/containers/container-name.ts'
import { Facts } from '@/components/page/facts.tsx'
import { JsonBlock } from '@/components/page/json-block.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { formatTime } from '@/components/ui/format.ts'
import { Sheet, SheetContent } from '@/components/ui/sheet.tsx'
import { usersOfNetwork } from './network-facts.ts'

export function NetworkSheet({
  id,
  containers,
  onClose,
}: {
  id: string
  containers: ContainerSummary[]
  onClose: () => void
}) {
  const query = useQuery({
    queryKey: ['networks', 'inspect', id],
    queryFn: ({ signal }) =>
      engine.get<NetworkInspect>(`/networks/${encodeURIComponent(id)}`, {}, signal),
  })
  return (
    <Sheet open onOpenChange={(open) => !open && onClose()}>
      <SheetContent title={query.data?.Name ?? 'Network'} description={query.data?.Id}>
        <div className="flex flex-col gap-6 p-5">
          <QueryStates query={query} what="network">
            {(network) => (
              <>
                <NetworkFacts network={network} users={usersOfNetwork(network, containers)} />
                <JsonBlock value={network} label="the network as JSON" />
              </>
            )}
          </QueryStates>
        </div>
      </SheetContent>
    </Sheet>
  )
}

function NetworkFacts({ network, users }: { network: NetworkInspect; users: ContainerSummary[] }) {
  const ranges = network.IPAM?.Config ?? []
  const addresses = users.map((user) => {
    const endpoint = user.NetworkSettings?.Networks?.[network.Name ?? '']
    return `${containerName(user)} ${endpoint?.IPAddress ?? ''}`
  })
  return (
    <Facts
      facts={[
        ['Driver', network.Driver],
        ['Subnets', ranges.map((range) => range.Subnet).join(', ')],
        [
          'Gateways',
          ranges
            .map((range) => range.Gateway)
            .filter(Boolean)
            .join(', '),
        ],
        ['Internal', network.Internal === true ? 'yes' : 'no'],
        ['Created', network.Created && formatTime(Date.parse(network.Created))],
        ['Created by', makerOf(network)],
        ['Used by', <UsedBy key="users" containers={users} all />],
        [
          'Addresses',
          addresses.length === 0
            ? undefined
            : addresses.map((line) => <div key={line}>{line}</div>),
        ],
        [
          'Labels',
          Object.entries(network.Labels ?? {}).map(([key, value]) => (
            <div key={key} className="break-all">{`${key}=${value}`}</div>
          )),
        ],
      ]}
    />
  )
}
