'use client'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, failureText, RequestError } from '@/components/engine/client.ts'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { count } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { repositoryNamed } from './reference.ts'
import { OWN, registryPath } from './use-registries.ts'

interface Page {
  names: string[]
  next?: string
}

export interface RepositoriesProps {
  host: string
  chosen: string
  onChoose: (repository: string) => void
}

/** What a registry lists, page by page; one that lists nothing is asked by name. */
export function RepositoryList({ host, chosen, onChoose }: RepositoriesProps) {
  const [filter, setFilter] = useState('')
  const query = useInfiniteQuery({
    queryKey: [host === OWN ? 'images' : 'registries', 'catalog', host],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      api.get<Page>(
        registryPath(
          host,
          `/catalog${pageParam === '' ? '' : `?after=${encodeURIComponent(pageParam)}`}`,
        ),
        signal,
      ),
    getNextPageParam: (page) => page.next,
  })
  const names = query.data?.pages.flatMap((page) => page.names) ?? []
  const word = filter.trim().toLowerCase()
  const shown = names.filter((name) => name.includes(word))
  const isUnlisted = query.error instanceof RequestError && query.error.status === 501
  const named = repositoryNamed(host, filter)
  return (
    <>
      <form
        className="bg-surface sticky top-0 border-b p-2.5"
        onSubmit={(event) => {
          event.preventDefault()
          if (named !== '') onChoose(shown.length === 1 ? (shown[0] ?? named) : named)
        }}
      >
        <FilterBox
          label="Find a repository"
          placeholder={isUnlisted ? 'team/app, then Enter' : 'Filter, or a name and Enter'}
          value={filter}
          onChange={setFilter}
        />
      </form>
      {query.isPending && <SkeletonRows label="Loading the repositories" />}
      {isUnlisted && (
        <div className="p-3">
          <Notice kind="info" title="It does not list its repositories">
            <p>
              Many hubs tell nobody, or not these credentials, what they have. Enter a repository’s
              name above.
            </p>
            <p className="mt-1 font-mono text-xs">{failureText(query.error)}</p>
          </Notice>
        </div>
      )}
      {query.error !== null && !isUnlisted && (
        <div className="p-3">
          <Notice
            title="The repositories cannot be read"
            actions={
              <Button size="sm" onClick={() => void query.refetch()}>
                Try again
              </Button>
            }
          >
            {failureText(query.error)}
          </Notice>
        </div>
      )}
      <ul aria-label="Repositories" className="flex flex-col p-1.5">
        {shown.map((name) => (
          <li key={name}>
            <RepositoryButton
              name={name}
              isChosen={name === chosen}
              onChoose={() => onChoose(name)}
            />
          </li>
        ))}
      </ul>
      {query.data !== undefined && names.length === 0 && (
        <p className="text-muted-foreground px-4 text-sm">It has no repositories.</p>
      )}
      {names.length > 0 && shown.length === 0 && (
        <p className="text-muted-foreground px-4 text-sm">
          None of the {count(names.length, 'repository', 'repositories')} read so far fits. Enter
          opens <span className="font-mono text-xs">{named}</span> by name.
        </p>
      )}
      {query.hasNextPage && (
        <div className="p-3">
          <Button
            size="sm"
            className="w-full"
            busy={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            More repositories
          </Button>
        </div>
      )}
    </>
  )
}

export function RepositoryButton(props: {
  name: string
  detail?: string
  isChosen: boolean
  onChoose: () => void
}) {
  return (
    <button
      type="button"
      aria-current={props.isChosen}
      onClick={props.onChoose}
      className={cn(
        'w-full rounded-md px-2.5 py-2 text-left text-sm outline-offset-[-2px]',
        props.isChosen ? 'bg-accent font-medium' : 'hover:bg-muted',
      )}
    >
      <span className="block truncate" title={props.name}>
        {props.name}
      </span>
      {props.detail !== undefined && props.detail !== '' && (
        <span className="text-muted-foreground line-clamp-2 text-xs font-normal">
          {props.detail}
        </span>
      )}
    </button>
  )
}
