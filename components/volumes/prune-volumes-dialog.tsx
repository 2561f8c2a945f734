'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import type { Volume } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { engine } from '@/components/engine/client.ts'
import { PruneDialog } from '@/components/page/prune-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Switch } from '@/components/ui/switch.tsx'
import { useVolumeSizes } from './use-volumes.ts'
import { isAnonymous } from './volume-facts.ts'

const WORD = 'delete the data'

/** Anonymous volumes alone, or with a switch and a typed confirmation also the named ones. */
export function PruneVolumesDialog({
  volumes,
  onClose,
}: {
  volumes: Volume[]
  onClose: () => void
}) {
  const [named, setNamed] = useState(false)
  const [typed, setTyped] = useState('')
  const sizes = useVolumeSizes()
  const queries = useQueryClient()
  const switchId = useId()
  const items = named ? volumes : volumes.filter(isAnonymous)
  return (
    <PruneDialog
      noun="volume"
      description="Volumes that no container uses, running or not. Their data is deleted and cannot be brought back."
      disabled={named && typed !== WORD}
      items={items.map((volume) => {
        const size = sizes.data?.get(volume.Name) ?? -1
        return {
          key: volume.Name,
          name: isAnonymous(volume) ? (
            <span className="font-mono text-[13px]">{shortId(volume.Name)}</span>
          ) : (
            volume.Name
          ),
          detail: size < 0 ? undefined : formatBytes(size),
        }
      })}
      onPrune={async () => {
        const answer = await engine.post<{ SpaceReclaimed: number }>(
          '/volumes/prune',
          named ? { filters: { all: ['true'] } } : {},
        )
        await queries.invalidateQueries({ queryKey: ['volumes'] })
        return `Freed ${formatBytes(answer.SpaceReclaimed)}`
      }}
      onClose={onClose}
    >
      <div className="flex items-start gap-3">
        <Switch id={switchId} checked={named} onCheckedChange={setNamed} />
        <label htmlFor={switchId} className="text-sm">
          Named volumes too
          <span className="text-muted-foreground block text-xs">
            Someone gave them a name, perhaps to keep them.
          </span>
        </label>
      </div>
      {named && items.length > 0 && (
        <Field label={`Type “${WORD}” to confirm`}>
          {(control) => (
            <Input
              {...control}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              autoComplete="off"
            />
          )}
        </Field>
      )}
    </PruneDialog>
  )
}
