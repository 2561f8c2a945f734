'use client'
import { useQuery } from '@tanstack/react-query'
import type { RegistrySettings } from '@/engine/contract/registry.ts'
import { api } from '@/components/engine/client.ts'
import { QueryStates } from '@/components/page/query-states.tsx'
import { useRegistryUsage } from '../use-registries.ts'
import { SettingsForm } from './settings-form.tsx'
import { UsageCard } from './usage-card.tsx'

/** The registry of this host: what it holds, what it deletes by itself, how much it takes. */
export function OwnSettings({ userName }: { userName: string }) {
  const usage = useRegistryUsage()
  const settings = useQuery({
    queryKey: ['registry', 'settings'],
    // what is typed is not overwritten by a look back at the page
    refetchOnWindowFocus: false,
    queryFn: ({ signal }) => api.get<RegistrySettings>('/api/registry/settings', signal),
  })
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-5xl flex-col gap-4 p-3 md:p-4">
        <QueryStates query={usage} what="registry’s usage">
          {(data) => <UsageCard usage={data} userName={userName} />}
        </QueryStates>
        <QueryStates query={settings} what="registry’s settings">
          {(data) => <SettingsForm saved={data} quotas={usage.data?.quotas ?? []} />}
        </QueryStates>
      </div>
    </div>
  )
}
