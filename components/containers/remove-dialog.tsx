'use client'
import { useId, useState } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { count } from '@/components/ui/format.ts'
import { Switch } from '@/components/ui/switch.tsx'
import { containerName, shortId } from './container-name.ts'
import type { RemoveOptions } from './verbs.ts'

const SHOWN = 8

/** Names what goes and what data goes with it, before it goes. */
export function RemoveDialog(props: {
  containers: ContainerSummary[]
  onClose: () => void
  onRemove: (options: RemoveOptions) => void
}) {
  const { containers } = props
  const [volumes, setVolumes] = useState(false)
  const switchId = useId()
  const anonymous = anonymousVolumes(containers)
  const running = containers.filter(
    (container) => container.State === 'running' || container.State === 'paused',
  )
  const only = containers.length === 1 ? containers[0] : undefined
  const what = only === undefined ? count(containers.length, 'container') : containerName(only)
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && props.onClose()}
      title={`Remove ${what}?`}
      description="What was written inside goes for good, and so do the logs. Named volumes and host folders stay."
      verb={only === undefined ? `Remove ${what}` : 'Remove container'}
      onConfirm={() => props.onRemove({ volumes })}
    >
      <ul
        aria-label="To be removed"
        className="bg-muted max-h-48 overflow-y-auto rounded-md border px-3 py-2 text-sm"
      >
        {containers.slice(0, SHOWN).map((container) => (
          <li key={container.Id} className="flex gap-2 py-0.5">
            <span className="truncate font-medium">{containerName(container)}</span>
            <span className="text-muted-foreground truncate">{container.Image}</span>
          </li>
        ))}
        {containers.length > SHOWN && (
          <li className="text-muted-foreground py-0.5">and {containers.length - SHOWN} more</li>
        )}
      </ul>
      {running.length > 0 && (
        <p className="text-warn text-sm">
          {only === undefined
            ? `${running.length} of them still ${running.length === 1 ? 'runs' : 'run'}`
            : 'It still runs'}
          : the processes inside are killed.
        </p>
      )}
      {anonymous.length > 0 && (
        <div className="rounded-md border px-3 py-2.5">
          <div className="flex items-start gap-3">
            <Switch id={switchId} checked={volumes} onCheckedChange={setVolumes} />
            <label htmlFor={switchId} className="text-sm">
              Delete {count(anonymous.length, 'anonymous volume')} too
              <span className="text-muted-foreground block text-xs">
                They have no name and nothing else will find them again, but their data stays until
                they are pruned.
              </span>
            </label>
          </div>
          <ul className="text-muted-foreground mt-2 text-xs">
            {anonymous.slice(0, SHOWN).map((volume) => (
              <li key={volume.name} className="truncate">
                <span className="font-mono">{shortId(volume.name)}</span> at {volume.destination} of{' '}
                {volume.container}
              </li>
            ))}
            {anonymous.length > SHOWN && <li>and {anonymous.length - SHOWN} more</li>}
          </ul>
        </div>
      )}
    </ConfirmDialog>
  )
}

/** Volumes that Docker named itself, with 64 hex digits. */
function anonymousVolumes(containers: ContainerSummary[]) {
  return containers.flatMap((container) =>
    (container.Mounts ?? [])
      .filter((mount) => mount.Type === 'volume' && /^[0-9a-f]{64}$/.test(mount.Name ?? ''))
      .map((mount) => ({
        name: mount.Name ?? '',
        destination: mount.Destination ?? '',
        container: containerName(container),
      })),
  )
}
