'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ContainerSummary, Volume } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { engine } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Field } from '@/components/ui/field.tsx'
import { count } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { isAnonymous } from './volume-facts.ts'

/** Data dies here, so the name has to be typed. */
export function RemoveVolumeDialog(props: {
  volume: Volume
  users: ContainerSummary[]
  onClose: () => void
}) {
  const { volume, users, onClose } = props
  const [typed, setTyped] = useState('')
  const queries = useQueryClient()
  const name = isAnonymous(volume) ? shortId(volume.Name) : volume.Name
  return (
    <ConfirmAction
      title={`Remove the volume ${name}?`}
      description="Everything stored in it is deleted and cannot be brought back."
      verb="Remove volume and its data"
      disabled={typed !== name}
      act={async () => {
        await engine.delete(`/volumes/${encodeURIComponent(volume.Name)}`)
        await queries.invalidateQueries({ queryKey: ['volumes'] })
        return `Removed ${name}`
      }}
      onClose={onClose}
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
    </ConfirmAction>
  )
}
