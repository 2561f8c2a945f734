'use client'
import { useQuery } from '@tanstack/react-query'
import type { RegistryCheck } from '@/engine/contract/distribution.ts'
import type { KnownRegistry } from '@/server/api/registries.ts'
import { api, failureText } from '@/components/engine/client.ts'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { checkWords } from './check-words.ts'

/** Whether a registry lets us in: asked on demand, for each question counts at some of them. */
export function CheckBadge({ registry }: { registry: Pick<KnownRegistry, 'host' | 'name'> }) {
  const query = useQuery({
    queryKey: ['registries', 'check', registry.host],
    enabled: false,
    staleTime: Infinity,
    queryFn: () => api.post<RegistryCheck>('/api/registries/check', { address: registry.host }),
  })
  const check = query.data
  return (
    <span className="inline-flex items-center gap-2">
      {query.error !== null ? (
        <Badge tone="bad" title={failureText(query.error)} className="max-w-48">
          <span className="truncate">{failureText(query.error)}</span>
        </Badge>
      ) : (
        check !== undefined && (
          <Badge
            tone={check.outcome === 'ok' ? 'ok' : 'bad'}
            title={[check.message, checkWords[check.outcome].next].filter(Boolean).join('\n')}
          >
            {checkWords[check.outcome].short}
          </Badge>
        )
      )}
      <Button
        size="xs"
        busy={query.isFetching}
        aria-label={`Test ${registry.name}`}
        onClick={() => void query.refetch()}
      >
        Test
      </Button>
    </span>
  )
}
