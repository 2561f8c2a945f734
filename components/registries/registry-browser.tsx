'use client'
import { Boxes, Warehouse } from 'lucide-react'
import { cn } from '@/components/ui/cn.ts'
import { Empty } from '@/components/ui/empty.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { HubSearch } from './hub-search.tsx'
import { RepositoryList } from './repository-list.tsx'
import { TagList } from './tag-list.tsx'
import { PushLines } from './push-lines.tsx'
import { DOCKER_HUB, OWN, useRegistryUsage } from './use-registries.ts'

/** Repositories on one side, the tags of the chosen one on the other; on a phone one after the other. */
export function RegistryBrowser({ host }: { host: string }) {
  const [repository, setRepository] = useUrlState('repository')
  const usage = useRegistryUsage()
  const isChosen = repository !== ''
  if (host === OWN && !isChosen && usage.data?.repositories.length === 0) {
    return (
      <Empty icon={Warehouse} title="Nothing has been pushed yet" actions={<PushLines />}>
        This host is a registry, too: what is pushed here is an image on it, ready to deploy.
      </Empty>
    )
  }
  const Repositories = host === DOCKER_HUB ? HubSearch : RepositoryList
  return (
    <div className="flex h-full min-h-0">
      <div
        className={cn(
          'bg-surface min-h-0 w-full flex-col overflow-y-auto md:flex md:w-80 md:shrink-0 md:border-r',
          isChosen ? 'hidden' : 'flex',
        )}
      >
        <Repositories host={host} chosen={repository} onChoose={setRepository} />
      </div>
      <div className={cn('min-h-0 min-w-0 flex-1 md:block', isChosen ? 'block' : 'hidden')}>
        {isChosen ? (
          <TagList
            // another repository is another list: nothing of the one before stays
            key={repository}
            host={host}
            repository={repository}
            onBack={() => setRepository('')}
          />
        ) : (
          <Empty icon={Boxes} title="Choose a repository">
            Its tags appear here, with what they hold.
          </Empty>
        )}
      </div>
    </div>
  )
}
