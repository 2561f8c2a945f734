'use client'
import { useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowLeft, Tags } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useMemo, useRef, useState } from 'react'
import { FilterBox } from '@/components/containers/list-toolbar.tsx'
import { api } from '@/components/engine/client.ts'
import { NoMatch } from '@/components/page/no-match.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { count } from '@/components/ui/format.ts'
import { sortTags } from './reference.ts'
import { TAG_COLUMNS, TagRow } from './tag-row.tsx'
import { OWN, registryPath } from './use-registries.ts'

const DeleteTagDialog = dynamic(() =>
  import('./delete-tag-dialog.tsx').then((module) => module.DeleteTagDialog),
)

const ROW_PX = 52

/** The tags of a repository; what each holds is read as its row comes into view. */
export function TagList(props: { host: string; repository: string; onBack: () => void }) {
  const { host, repository } = props
  const [filter, setFilter] = useState('')
  const [deleting, setDeleting] = useState<string>()
  const query = useQuery({
    queryKey: [host === OWN ? 'images' : 'registries', 'tags', host, repository],
    retry: false,
    queryFn: ({ signal }) =>
      api.get<string[]>(
        registryPath(host, `/tags?repository=${encodeURIComponent(repository)}`),
        signal,
      ),
  })
  const shown = useMemo(() => {
    const word = filter.trim().toLowerCase()
    return sortTags(query.data ?? []).filter((tag) => tag.toLowerCase().includes(word))
  }, [query.data, filter])
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="bg-surface flex flex-wrap items-center gap-2 border-b px-3 py-2.5 md:px-4">
        <Button
          variant="ghost"
          size="icon-sm"
          aria-label="Back to the repositories"
          className="md:hidden"
          onClick={props.onBack}
        >
          <ArrowLeft aria-hidden />
        </Button>
        <h2 className="min-w-0 truncate font-semibold" title={repository}>
          {repository}
        </h2>
        {query.data !== undefined && (
          <span className="text-muted-foreground text-xs">{count(query.data.length, 'tag')}</span>
        )}
        <div className="ml-auto w-full sm:w-64">
          <FilterBox
            label="Filter tags"
            placeholder="Filter tags"
            value={filter}
            onChange={setFilter}
          />
        </div>
      </div>
      <QueryStates query={query} what="tags">
        {(tags) =>
          tags.length === 0 ? (
            <Empty icon={Tags} title="No tags">
              What is left in the repository has no name.
              {host === OWN && ' A rule lets go of it after some days: see Settings.'}
            </Empty>
          ) : shown.length === 0 ? (
            <NoMatch noun="tag" clearWords="Clear the filter" onClear={() => setFilter('')} />
          ) : (
            <TagRows host={host} repository={repository} tags={shown} onDelete={setDeleting} />
          )
        }
      </QueryStates>
      {deleting !== undefined && (
        <DeleteTagDialog
          host={host}
          repository={repository}
          tag={deleting}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </div>
  )
}

function TagRows(props: {
  host: string
  repository: string
  tags: string[]
  onDelete: (tag: string) => void
}) {
  const { host, repository, tags } = props
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: tags.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 4,
    getItemKey: (index) => tags[index] ?? index,
  })
  return (
    <div
      role="table"
      aria-label="Tags"
      aria-rowcount={tags.length + 1}
      className="bg-surface flex min-h-0 flex-1 flex-col"
    >
      <div
        role="row"
        aria-rowindex={1}
        className={`text-muted-foreground hidden h-9 shrink-0 items-center border-b px-4 text-xs font-medium lg:grid ${TAG_COLUMNS}`}
      >
        <span role="columnheader">Tag</span>
        <span role="columnheader" className="text-right">
          Size
        </span>
        <span role="columnheader">Platforms</span>
        <span role="columnheader">Created</span>
        <span role="columnheader" className="sr-only">
          Actions
        </span>
      </div>
      <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto">
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const tag = tags[item.index]
            return (
              tag !== undefined && (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  role="row"
                  aria-rowindex={item.index + 2}
                  style={{ transform: `translateY(${item.start}px)` }}
                  className="hover:bg-muted/60 absolute inset-x-0 top-0 border-b"
                >
                  <TagRow
                    host={host}
                    repository={repository}
                    tag={tag}
                    // rows that only fly by are not asked for
                    isSettled={!virtual.isScrolling}
                    onDelete={() => props.onDelete(tag)}
                  />
                </div>
              )
            )
          })}
        </div>
      </div>
    </div>
  )
}
