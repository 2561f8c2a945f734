'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { ContainerSummary, NetworkInspect } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { count } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'

export function RemoveNetworkDialog(props: {
  network: NetworkInspect
  users: ContainerSummary[]
  onClose: () => void
}) {
  const { network, users, onClose } = props
  const queries = useQueryClient()
  const name = network.Name ?? ''
  return (
    <ConfirmAction
      title={`Remove the network ${name}?`}
      description="No data is lost: a network holds none."
      verb="Remove network"
      act={async () => {
        await engine.delete(`/networks/${network.Id ?? ''}`)
        await queries.invalidateQueries({ queryKey: ['networks'] })
        return `Removed ${name}`
      }}
      onClose={onClose}
    >
      {users.length > 0 && (
        <Notice kind="warning" title={`${count(users.length, 'container')} attached to it`}>
          The engine refuses while one that runs is attached: <UsedBy containers={users} />
        </Notice>
      )}
    </ConfirmAction>
  )
}
