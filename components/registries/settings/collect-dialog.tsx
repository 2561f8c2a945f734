'use client'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { RegistryPlan, RegistrySettings } from '@/engine/contract/registry.ts'
import { api } from '@/components/engine/client.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { count } from '@/components/ui/format.ts'
import { Plan } from './plan-card.tsx'

/** Applies the rules in force now, with what they take before one's eyes. */
export function CollectDialog({ onClose }: { onClose: () => void }) {
  const queries = useQueryClient()
  const plan = useQuery({
    queryKey: ['images', 'registry-plan', 'in force'],
    staleTime: 0,
    gcTime: 0,
    queryFn: async ({ signal }) =>
      api.post<RegistryPlan>(
        '/api/registry/plan',
        await api.get<RegistrySettings>('/api/registry/settings', signal),
      ),
  })
  const collect = async () => {
    const { removed } = await api.post<{ removed: string[] }>('/api/registry/collect')
    await queries.invalidateQueries({ queryKey: ['images'] })
    return removed.length === 0
      ? 'Nothing was to go; blobs that no push came back for are gone'
      : `Removed ${count(removed.length, 'tag or manifest', 'tags and manifests')}`
  }
  return (
    <ConfirmAction
      title="Apply the rules now?"
      description="They are applied by themselves every ten minutes; this does it at once, and lets go of what pushes left behind a day ago or earlier. What goes cannot be brought back."
      verb="Apply the rules"
      disabled={plan.data === undefined}
      act={collect}
      failureTitle="They could not be applied"
      onClose={onClose}
    >
      <QueryStates query={plan} what="plan">
        {(data) => <Plan plan={data} />}
      </QueryStates>
    </ConfirmAction>
  )
}
