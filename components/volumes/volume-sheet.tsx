'use client'
import { useQuery } from '@tanstack/react-query'
import type { ContainerSummary, Volume } from '@/engine/types/docker.ts'
import type { PartlyMounted } from '@/engine/types/gantry.ts'
import { makerOf } from '@/components/callers/caller-words.ts'
import { containerName } from '@/components/containers/container-name.ts'
import { engine } from '@/components/engine/client.ts'
import { Facts } from '@/components/page/facts.tsx'
import { JsonBlock } from '@/components/page/json-block.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { formatTime } from '@/components/ui/format.ts'
import { Sheet, SheetContent } from '@/components/ui/sheet.tsx'
import { usersOfVolume } from './volume-facts.ts'

export function VolumeSheet({
  name,
  containers,
  onClose,
}: {
  name: string
  containers: ContainerSummary[]
  onClose: () => void
}) {
  const query = useQuery({
    queryKey: ['volumes', 'inspect', name],
    queryFn: ({ signal }) => engine.get<Volume>(`/volumes/${encodeURIComponent(name)}`, {}, signal),
  })
  return (
    <Sheet open onOpenChange={(open) => !open && onClose()}>
      <SheetContent title={name}>
        <div className="flex flex-col gap-6 p-5">
          <QueryStates query={query} what="volume">
            {(volume) => {
              const users = usersOfVolume(volume, containers)
              return (
                <>
                  <Facts
                    facts={[
                      ['Driver', volume.Driver],
                      [
                        'On the host',
                        <code key="path" className="font-mono text-xs break-all">
                          {volume.Mountpoint}
                        </code>,
                      ],
                      ['Created', volume.CreatedAt && formatTime(Date.parse(volume.CreatedAt))],
                      ['Created by', makerOf(volume)],
                      ['Used by', <UsedBy key="users" containers={users} all />],
                      [
                        'Mounted at',
                        mountPoints(volume, users).map((line) => <div key={line}>{line}</div>),
                      ],
                      [
                        'Labels',
                        Object.entries(volume.Labels ?? {}).map(([key, value]) => (
                          <div key={key} className="break-all">{`${key}=${value}`}</div>
                        )),
                      ],
                    ]}
                  />
                  <JsonBlock value={volume} label="the volume as JSON" />
                </>
              )
            }}
          </QueryStates>
        </div>
      </SheetContent>
    </Sheet>
  )
}

function mountPoints(volume: Volume, users: ContainerSummary[]): string[] {
  return users.flatMap((user) =>
    (user.Mounts ?? [])
      .filter((mount) => mount.Type === 'volume' && mount.Name === volume.Name)
      .map((mount) => {
        const { Gantry } = mount as PartlyMounted
        return [
          `${mount.Destination ?? ''} in ${containerName(user)}`,
          ...(Gantry === undefined ? [] : [`only ${Gantry.Subpath}`]),
          ...(mount.RW === false ? ['read only'] : []),
        ].join(', ')
      }),
  )
}
