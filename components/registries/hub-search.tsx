'use client'
import { useQuery } from '@tanstack/react-query'
import { BadgeCheck, Star } from 'lucide-react'
import { useState } from 'react'
import type { ImageSearchResult } from '@/engine/contract/images.ts'
import { useSettled } from '@/components/deploy/use-settled.ts'
import { api, failureText } from '@/components/engine/client.ts'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { repositoryNamed } from './reference.ts'
import { RepositoryButton, type RepositoriesProps } from './repository-list.tsx'
import { registryPath } from './use-registries.ts'

/** Docker Hub lists nothing, but searches. */
export function HubSearch({ host, chosen, onChoose }: RepositoriesProps) {
  const [text, setText] = useState('')
  const term = useSettled(text.trim(), 300)
  const query = useQuery({
    queryKey: ['registries', 'search', host, term],
    enabled: term !== '',
    staleTime: 60_000,
    queryFn: ({ signal }) =>
      api.get<ImageSearchResult[]>(
        registryPath(host, `/search?term=${encodeURIComponent(term)}`),
        signal,
      ),
  })
  return (
    <>
      <form
        className="bg-surface sticky top-0 border-b p-2.5"
        onSubmit={(event) => {
          event.preventDefault()
          const named = repositoryNamed(host, text)
          if (named !== '') onChoose(named)
        }}
      >
        <FilterBox
          label="Search"
          placeholder="Search, or a name and Enter"
          value={text}
          onChange={setText}
        />
      </form>
      {term === '' && (
        <p className="text-muted-foreground p-4 text-sm">
          Docker Hub does not list its repositories: search for one, or enter its name, like nginx
          or grafana/grafana.
        </p>
      )}
      {term !== '' && query.isPending && <SkeletonRows label="Searching" />}
      {query.error !== null && (
        <div className="p-3">
          <Notice title="The search failed">{failureText(query.error)}</Notice>
        </div>
      )}
      {query.data?.length === 0 && (
        <p className="text-muted-foreground p-4 text-sm">Nothing is found for {term}.</p>
      )}
      <ul aria-label="Results" className="flex flex-col p-1.5">
        {query.data?.map((result) => {
          const repository = repositoryNamed(host, result.name)
          return (
            <li key={result.name} className="relative">
              <RepositoryButton
                name={result.name}
                detail={result.description}
                isChosen={repository === chosen}
                onChoose={() => onChoose(repository)}
              />
              <span className="text-muted-foreground pointer-events-none absolute top-2 right-2 flex items-center gap-1 text-xs">
                {result.is_official && (
                  <BadgeCheck className="text-link size-4" aria-label="official" />
                )}
                <Star className="size-3" aria-hidden /> {result.star_count.toLocaleString('en')}
              </span>
            </li>
          )
        })}
      </ul>
    </>
  )
}
