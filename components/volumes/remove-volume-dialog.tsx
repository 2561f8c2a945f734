'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ContainerSummary, Volume } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { engine } from '@/components/engine/client.ts'
import { UsedBy } from '@/components/page/used-by.tsx'
import { useAction } from '@/components/page/use-action.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { count } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { isAnonymous } from './volume-facts.ts'

/** Data dies here, so the name has to be typed. */
export function RemoveVolumeDialog(props: {
  volume: Volume
  users: ContainerSummary[]
  onClose: () => void
}) {
  const { volume, users, onClose } = props
  const [typed, setTyped] = useState('')
  const action = useAction()
  const queries = useQueryClient()
  const name = isAnonymous(volume) ? shortId(volume.Name) : volume.Name
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove the volume ${name}?`}
      description="Everything stored in it is deleted and cannot be brought back."
      verb="Remove volume and its data"
      busy={action.busy}
      disabled={typed !== name}
      onConfirm={() =>
        void action.run(
          async () => {
            await engine.delete(`/volumes/${encodeURIComponent(volume.Name)}`)
            await queries.invalidateQueries({ queryKey: ['volumes'] })
          },
          () => {
            toast.success(`Removed ${name}`)
            onClose()
          },
        )
      }
    >
      {users.length > 0 && (
        <Notice kind="warning" title={`${count(users.length, 'container')} using it`}>
          The engine refuses while one uses it, running or not: <UsedBy containers={users} />
        </Notice>
      )}
      <Field label={`Type ${name} to confirm`}>
        {(control) => (
          <Input
            {...control}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
      {action.failure !== undefined && (
        <Notice title="It could not be removed">{action.failure}</Notice>
      )}
    </ConfirmDialog>
  )
}
