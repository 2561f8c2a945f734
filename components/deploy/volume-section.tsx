'use client'
import { useId } from 'react'
import { useVolumes } from '@/components/volumes/use-volumes.ts'
import { isAnonymous } from '@/components/volumes/volume-facts.ts'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'
import { volumeRow, type VolumeRow } from './form-state.ts'
import { RowError, Rows, Section } from './rows.tsx'

/** Named volumes (kept by the engine) and folders of the host. */
export function VolumeSection(props: {
  volumes: VolumeRow[]
  onChange: (volumes: VolumeRow[]) => void
  errors: Partial<Record<string, string>>
}) {
  const known = useVolumes()
  const listId = useId()
  return (
    <Section title="Storage" hint="What stays when the container goes">
      <datalist id={listId}>
        {known.data?.Volumes?.filter((volume) => !isAnonymous(volume)).map((volume) => (
          <option key={volume.Name} value={volume.Name} />
        ))}
      </datalist>
      <Rows rows={props.volumes} noun="volume" onChange={props.onChange} make={volumeRow}>
        {(row, index, change) => (
          <div>
            <div className="grid grid-cols-2 items-center gap-2 sm:grid-cols-[7.5rem_1fr_1fr_auto]">
              <Select
                aria-label={`Kind of volume ${index + 1}`}
                value={row.kind}
                onValueChange={(kind) =>
                  change({
                    kind: kind === 'bind' || kind === 'tmpfs' ? kind : 'volume',
                    source: '',
                  })
                }
                options={[
                  { value: 'volume', label: 'Volume' },
                  { value: 'bind', label: 'Host folder' },
                  { value: 'tmpfs', label: 'In memory' },
                ]}
              />
              <Input
                aria-label={
                  row.kind === 'volume' ? `Volume name ${index + 1}` : `Host folder ${index + 1}`
                }
                aria-invalid={
                  row.kind === 'bind' && row.source !== '' && !row.source.startsWith('/')
                }
                list={row.kind === 'volume' ? listId : undefined}
                placeholder={
                  row.kind === 'volume'
                    ? 'name, empty: anonymous'
                    : row.kind === 'bind'
                      ? '/srv/data'
                      : 'lost when it stops'
                }
                disabled={row.kind === 'tmpfs'}
                spellCheck={false}
                value={row.source}
                onChange={(event) => change({ source: event.target.value })}
              />
              <Input
                aria-label={`Mount point ${index + 1}`}
                aria-invalid={row.target !== '' && !row.target.startsWith('/')}
                placeholder="/path/inside"
                spellCheck={false}
                value={row.target}
                onChange={(event) => change({ target: event.target.value })}
              />
              <label className="flex items-center gap-2 text-[13px] whitespace-nowrap">
                <Checkbox
                  checked={row.readOnly}
                  onCheckedChange={(on) => change({ readOnly: on === true })}
                />
                Read only
              </label>
            </div>
            <RowError words={props.errors[row.key]} />
          </div>
        )}
      </Rows>
    </Section>
  )
}
