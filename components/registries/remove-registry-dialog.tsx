'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { KnownRegistry } from '@/server/api/registries.ts'
import { api } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { registryPath } from './use-registries.ts'

export function RemoveRegistryDialog(props: { registry: KnownRegistry; onClose: () => void }) {
  const { onClose, registry } = props
  const queries = useQueryClient()
  return (
    <ConfirmAction
      title={`Remove ${registry.name} from the list?`}
      description="What is stored to sign in with is deleted here. Nothing changes at the registry, and images that were pulled stay; pulling others from it may be refused then."
      verb="Remove registry"
      act={async () => {
        await api.delete(registryPath(registry.host))
        await queries.invalidateQueries({ queryKey: ['registries'] })
        return `Removed ${registry.name}`
      }}
      onClose={onClose}
    />
  )
}
