'use client'
import { useQueryClient } from '@tanstack/react-query'
import type { NetworkInspect } from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { PruneDialog } from '@/components/page/prune-dialog.tsx'
import { count } from '@/components/ui/format.ts'
import { subnetsOf } from './network-facts.ts'

export function PruneNetworksDialog({
  networks,
  onClose,
}: {
  networks: NetworkInspect[]
  onClose: () => void
}) {
  const queries = useQueryClient()
  return (
    <PruneDialog
      noun="network"
      description="Networks that no container is attached to. The built-in ones stay."
      items={networks.map((network) => ({
        key: network.Id ?? '',
        name: network.Name,
        detail: subnetsOf(network).join(', '),
      }))}
      onPrune={async () => {
        const answer = await engine.post<{ NetworksDeleted: string[] | null }>('/networks/prune')
        await queries.invalidateQueries({ queryKey: ['networks'] })
        return `Removed ${count(answer.NetworksDeleted?.length ?? 0, 'network')}`
      }}
      onClose={onClose}
    />
  )
}
