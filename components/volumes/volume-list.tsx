'use client'
import { HardDrive, Plus, Trash2 } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState } from 'react'
import type { ContainerSummary, Volume } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { useKnownContainers } from '@/components/containers/use-known-containers.ts'
import { Chip, Chips } from '@/components/page/chips.tsx'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Table, TableCell, TableHead, TableRow } from '@/components/ui/table.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { useVolumes, useVolumeSizes } from './use-volumes.ts'
import { isAnonymous, usersOfVolume } from './volume-facts.ts'

const CreateVolumeDialog = dynamic(() =>
  import('./create-volume-dialog.tsx').then((module) => module.CreateVolumeDialog),
)
const VolumeSheet = dynamic(() => import('./volume-sheet.tsx').then((module) => module.VolumeSheet))
const RemoveVolumeDialog = dynamic(() =>
  import('./remove-volume-dialog.tsx').then((module) => module.RemoveVolumeDialog),
)
const PruneVolumesDialog = dynamic(() =>
  import('./prune-volumes-dialog.tsx').then((module) => module.PruneVolumesDialog),
)

interface Row {
  volume: Volume
  users: ContainerSummary[]
}

const kinds: Record<string, { word: string; fits: (row: Row) => boolean }> = {
  '': { word: 'All', fits: () => true },
  used: { word: 'In use', fits: ({ users }) => users.length > 0 },
  unused: { word: 'Unused', fits: ({ users }) => users.length === 0 },
  anonymous: { word: 'Anonymous', fits: ({ volume }) => isAnonymous(volume) },
}

export function VolumeList() {
  const query = useVolumes()
  const known = useKnownContainers()
  const containers = known ?? []
  const [filter, setFilter] = useUrlState('q')
  const [kind, setKind] = useUrlState('kind')
  const [dialog, setDialog] = useUrlState('dialog')
  const [inspected, setInspected] = useUrlState('inspect')
  const [removing, setRemoving] = useState<Volume>()
  const rows: Row[] = (known && query.data?.Volumes ? query.data.Volumes : []).map((volume) => ({
    volume,
    users: usersOfVolume(volume, containers),
  }))
  const word = filter.trim().toLowerCase()
  const test = kinds[Object.hasOwn(kinds, kind) ? kind : '']
  const shown = rows.filter(
    (row) => row.volume.Name.toLowerCase().includes(word) && test?.fits(row) === true,
  )
  return (
    <>
      <PageHeader
        title="Volumes"
        filter={
          <FilterBox
            label="Filter volumes"
            placeholder="Filter by name"
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
              <Plus aria-hidden /> Create volume
            </Button>
          </>
        }
        chips={
          rows.length > 0 && (
            <Chips label="Kinds">
              {Object.entries(kinds).map(([value, each]) => (
                <Chip
                  key={value}
                  word={each.word}
                  number={rows.filter(each.fits).length}
                  pressed={kind === value}
                  onPress={() => setKind(value)}
                />
              ))}
            </Chips>
          )
        }
      />
      <QueryStates
        query={{ data: known && query.data, error: query.error, refetch: query.refetch }}
        what="volumes"
      >
        {() =>
          rows.length === 0 ? (
            <NoVolumes onCreate={() => setDialog('create')} />
          ) : shown.length === 0 ? (
            <NoMatch
              noun="volume"
              onClear={() => {
                setFilter('')
                setKind('')
              }}
            />
          ) : (
            <VolumeTable rows={shown} onInspect={setInspected} onRemove={setRemoving} />
          )
        }
      </QueryStates>
      {dialog === 'create' && <CreateVolumeDialog onClose={() => setDialog('')} />}
      {dialog === 'prune' && known !== undefined && (
        <PruneVolumesDialog
          volumes={rows.filter(({ users }) => users.length === 0).map(({ volume }) => volume)}
          onClose={() => setDialog('')}
        />
      )}
      {inspected !== '' && known !== undefined && (
        <VolumeSheet name={inspected} containers={containers} onClose={() => setInspected('')} />
      )}
      {removing !== undefined && (
        <RemoveVolumeDialog
          volume={removing}
          users={usersOfVolume(removing, containers)}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </>
  )
}

function VolumeTable(props: {
  rows: Row[]
  onInspect: (name: string) => void
  onRemove: (volume: Volume) => void
}) {
  const sizes = useVolumeSizes()
  return (
    <div className="bg-surface border-b">
      <Table aria-label="Volumes">
        <thead>
          <tr>
            <TableHead className="pl-4">Name</TableHead>
            <TableHead className="text-right">Size</TableHead>
            <TableHead className="hidden lg:table-cell">Driver</TableHead>
            <TableHead className="hidden sm:table-cell">Created</TableHead>
            <TableHead className="hidden sm:table-cell">Used by</TableHead>
            <TableHead>
              <span className="sr-only">Actions</span>
            </TableHead>
          </tr>
        </thead>
        <tbody>
          {props.rows.map(({ volume, users }) => {
            const size = sizes.data?.get(volume.Name) ?? -1
            const shown = isAnonymous(volume) ? shortId(volume.Name) : volume.Name
            return (
              <TableRow key={volume.Name}>
                <TableCell className="pl-4">
                  <button
                    type="button"
                    title={volume.Name}
                    onClick={() => props.onInspect(volume.Name)}
                    className={`max-w-40 truncate rounded-sm text-left hover:underline sm:max-w-64 xl:max-w-96 ${isAnonymous(volume) ? 'font-mono text-[13px]' : 'font-medium'}`}
                  >
                    {shown}
                  </button>
                  {isAnonymous(volume) && <Badge className="ml-2">anonymous</Badge>}
                </TableCell>
                <TableCell className="tabular text-right whitespace-nowrap">
                  {size < 0 ? '–' : formatBytes(size)}
                </TableCell>
                <TableCell className="text-muted-foreground hidden lg:table-cell">
                  {volume.Driver}
                </TableCell>
                <TableCell className="text-muted-foreground hidden sm:table-cell">
                  {volume.CreatedAt !== undefined && (
                    <Age since={Date.parse(volume.CreatedAt)} suffix=" ago" />
                  )}
                </TableCell>
                <TableCell className="hidden py-1.5 sm:table-cell">
                  <UsedBy containers={users} />
                </TableCell>
                <TableCell className="pr-4 text-right">
                  <Button
                    variant="ghost"
                    size="icon-sm"
                    aria-label={`Remove ${shown}`}
                    title="Remove"
                    onClick={() => props.onRemove(volume)}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                </TableCell>
              </TableRow>
            )
          })}
        </tbody>
      </Table>
    </div>
  )
}

function NoVolumes({ onCreate }: { onCreate: () => void }) {
  return (
    <Empty
      icon={HardDrive}
      title="No volumes yet"
      actions={
        <>
          <Button variant="primary" onClick={onCreate}>
            Create a volume
          </Button>
          <code className="bg-muted rounded-sm px-2 py-1 font-mono text-xs">
            docker volume create data
          </code>
        </>
      }
    >
      Data that has to outlive its container is kept in volumes. They are also made when a container
      that asks for one is deployed.
    </Empty>
  )
}
