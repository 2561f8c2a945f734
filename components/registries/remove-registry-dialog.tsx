'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { KnownRegistry } from '@/server/api/registries.ts'
import { api } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { registryPath } from './use-registries.ts'

export function RemoveRegistryDialog(props: { registry: KnownRegistry; onClose: () => void }) {
  const { onClose, registry } = props
  const action = useAction()
  const queries = useQueryClient()
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove ${registry.name} from the list?`}
      description="What is stored to sign in with is deleted here. Nothing changes at the registry, and images that were pulled stay; pulling others from it may be refused then."
      verb="Remove registry"
      busy={action.busy}
      onConfirm={() =>
        void action.run(
          async () => {
            await api.delete(registryPath(registry.host))
            await queries.invalidateQueries({ queryKey: ['registries'] })
          },
          () => {
            toast.success(`Removed ${registry.name}`)
            onClose()
          },
        )
      }
    >
      {action.failure !== undefined && (
        <Notice title="It could not be removed">{action.failure}</Notice>
      )}
    </ConfirmDialog>
  )
}
