'use client'
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, Tags } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useMemo, useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { QueryStates } from '@/components/page/query-states.tsx'
import { VirtualRows } from '@/components/page/virtual-rows.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { count } from '@/components/ui/format.ts'
import { sortTags } from './reference.ts'
import { TAG_COLUMNS, TagRow } from './tag-row.tsx'
import { OWN, registryPath } from './use-registries.ts'

const DeleteTagDialog = dynamic(() =>
  import('./delete-tag-dialog.tsx').then((module) => module.DeleteTagDialog),
)

/** The tags of a repository; what each holds is read as its row comes into view. */
export function TagList(props: { host: string; repository: string; onBack: () => void }) {
  const { host, repository } = props
  const [filter, setFilter] = useState('')
  const [deleting, setDeleting] = useState<string>()
  const query = useQuery({
    queryKey: [host === OWN ? 'images' : 'registries', 'tags', host, repository],
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
        <h2 className="min-w-0 font-semibold wrap-anywhere">{repository}</h2>
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
              {host === OWN && ' A rule for manifests without a tag lets go of it: see Settings.'}
            </Empty>
          ) : shown.length === 0 ? (
            <NoMatch noun="tag" clearWords="Clear the filter" onClear={() => setFilter('')} />
          ) : (
            <VirtualRows
              label="Tags"
              rows={shown}
              keyOf={(tag) => tag}
              rowPx={52}
              overscan={4}
              head={<TagHead />}
            >
              {(tag, isSettled) => (
                <TagRow
                  host={host}
                  repository={repository}
                  tag={tag}
                  // rows that only fly by are not asked for
                  isSettled={isSettled}
                  onDelete={() => setDeleting(tag)}
                />
              )}
            </VirtualRows>
          )
        }
      </QueryStates>
      {deleting !== undefined && (
        <DeleteTagDialog
          host={host}
          repository={repository}
          tag={deleting}
          onDeleted={() => {
            // with its last tag our own registry has nothing left of it
            if (host === OWN && query.data?.length === 1) props.onBack()
          }}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </div>
  )
}

function TagHead() {
  return (
    <div role="rowgroup" className="bg-surface sticky top-0 z-10 hidden border-b lg:block">
      <div
        role="row"
        aria-rowindex={1}
        className={`text-muted-foreground grid h-9 items-center px-4 text-xs font-medium ${TAG_COLUMNS}`}
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
    </div>
  )
}
