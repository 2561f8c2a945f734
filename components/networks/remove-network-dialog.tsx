'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { ContainerSummary, NetworkInspect } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { UsedBy } from '@/components/page/used-by.tsx'
import { useAction } from '@/components/page/use-action.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { count } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'

export function RemoveNetworkDialog(props: {
  network: NetworkInspect
  users: ContainerSummary[]
  onClose: () => void
}) {
  const { network, users, onClose } = props
  const action = useAction()
  const queries = useQueryClient()
  const name = network.Name ?? ''
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove the network ${name}?`}
      description="No data is lost: a network holds none."
      verb="Remove network"
      busy={action.busy}
      onConfirm={() =>
        void action.run(
          async () => {
            await engine.delete(`/networks/${network.Id ?? ''}`)
            await queries.invalidateQueries({ queryKey: ['networks'] })
          },
          () => {
            toast.success(`Removed ${name}`)
            onClose()
          },
        )
      }
    >
      {users.length > 0 && (
        <Notice kind="warning" title={`${count(users.length, 'container')} attached to it`}>
          The engine refuses while one that runs is attached: <UsedBy containers={users} />
        </Notice>
      )}
      {action.failure !== undefined && (
        <Notice title="It could not be removed">{action.failure}</Notice>
      )}
    </ConfirmDialog>
  )
}
