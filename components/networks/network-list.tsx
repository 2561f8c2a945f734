'use client'
import { Plus, Trash2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import type { ContainerSummary, NetworkInspect } from '@/engine/types/docker.ts'
import { useKnownContainers } from '@/components/containers/use-known-containers.ts'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { isBuiltIn, subnetsOf, usersOfNetwork } from './network-facts.ts'
import { useNetworks } from './use-networks.ts'

const CreateNetworkDialog = dynamic(() =>
  import('./create-network-dialog.tsx').then((module) => module.CreateNetworkDialog),
)
const NetworkSheet = dynamic(() =>
  import('./network-sheet.tsx').then((module) => module.NetworkSheet),
)
const RemoveNetworkDialog = dynamic(() =>
  import('./remove-network-dialog.tsx').then((module) => module.RemoveNetworkDialog),
)
const PruneNetworksDialog = dynamic(() =>
  import('./prune-networks-dialog.tsx').then((module) => module.PruneNetworksDialog),
)

export function NetworkList() {
  const query = useNetworks()
  const known = useKnownContainers()
  const containers = known ?? []
  const [filter, setFilter] = useUrlState('q')
  const [dialog, setDialog] = useUrlState('dialog')
  const [inspected, setInspected] = useUrlState('inspect')
  const [removing, setRemoving] = useState<NetworkInspect>()
  const word = filter.trim().toLowerCase()
  const rows = (query.data ?? [])
    .filter(
      (network) =>
        (network.Name ?? '').toLowerCase().includes(word) || (network.Id ?? '').startsWith(word),
    )
    .map((network) => ({ network, users: usersOfNetwork(network, containers) }))
  const unused = rows
    .filter(({ network, users }) => !isBuiltIn(network) && users.length === 0)
    .map(({ network }) => network)
  return (
    <>
      <PageHeader
        title="Networks"
        filter={
          <FilterBox
            label="Filter networks"
            placeholder="Filter by name or ID"
            value={filter}
            onChange={setFilter}
          />
        }
        actions={
          <>
            <Button size="sm" onClick={() => setDialog('prune')}>
              <Trash2 aria-hidden /> Prune
            </Button>
            <Button size="sm" variant="primary" onClick={() => setDialog('create')}>
              <Plus aria-hidden /> Create network
            </Button>
          </>
        }
      />
      <QueryStates
        query={{ data: known && query.data, error: query.error, refetch: query.refetch }}
        what="networks"
      >
        {() =>
          rows.length === 0 ? (
            <NoMatch noun="network" clearWords="Clear the filter" onClear={() => setFilter('')} />
          ) : (
            <NetworkTable rows={rows} onInspect={setInspected} onRemove={setRemoving} />
          )
        }
      </QueryStates>
      {dialog === 'create' && <CreateNetworkDialog onClose={() => setDialog('')} />}
      {dialog === 'prune' && known !== undefined && (
        <PruneNetworksDialog networks={unused} onClose={() => setDialog('')} />
      )}
      {inspected !== '' && known !== undefined && (
        <NetworkSheet id={inspected} containers={containers} onClose={() => setInspected('')} />
      )}
      {removing !== undefined && (
        <RemoveNetworkDialog
          network={removing}
          users={usersOfNetwork(removing, containers)}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </>
  )
}

function NetworkTable(props: {
  rows: { network: NetworkInspect; users: ContainerSummary[] }[]
  onInspect: (id: string) => void
  onRemove: (network: NetworkInspect) => void
}) {
  return (
    <div className="bg-surface border-b">
      <Table aria-label="Networks">
        <thead>
          <tr>
            <TableHead className="pl-4">Name</TableHead>
            <TableHead>Driver</TableHead>
            <TableHead className="hidden sm:table-cell">Subnet</TableHead>
            <TableHead className="hidden sm:table-cell">Used by</TableHead>
            <TableHead>
              <span className="sr-only">Actions</span>
            </TableHead>
          </tr>
        </thead>
        <tbody>
          {props.rows.map(({ network, users }) => (
            <TableRow key={network.Id}>
              <TableCell className="pl-4">
                <button
                  type="button"
                  onClick={() => props.onInspect(network.Id ?? '')}
                  title={network.Name}
                  className="max-w-36 truncate rounded-sm text-left font-medium hover:underline sm:max-w-64 xl:max-w-96"
                >
                  {network.Name}
                </button>
                {network.Internal === true && <Badge className="ml-2">internal</Badge>}
                {isBuiltIn(network) && <Badge className="ml-2">built in</Badge>}
              </TableCell>
              <TableCell className="text-muted-foreground">{network.Driver}</TableCell>
              <TableCell className="hidden font-mono text-[13px] sm:table-cell">
                {subnetsOf(network).join(', ') || '–'}
              </TableCell>
              <TableCell className="hidden py-1.5 sm:table-cell">
                <UsedBy containers={users} />
              </TableCell>
              <TableCell className="pr-4 text-right">
                {!isBuiltIn(network) && (
                  <Button
                    variant="ghost"
                    size="icon-sm"
                    aria-label={`Remove ${network.Name ?? ''}`}
                    title="Remove"
                    onClick={() => props.onRemove(network)}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                )}
              </TableCell>
            </TableRow>
          ))}
        </tbody>
      </Table>
    </div>
  )
}
