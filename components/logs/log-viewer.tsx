'use client'
import './logs.css'
import { ArrowDown, ScrollText } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { useConnection } from '@/components/live/provider.tsx'
import { Button } from '@/components/ui/button.tsx'
import { copyText } from '@/components/ui/copy-text.ts'
import { Empty } from '@/components/ui/empty.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { useNow } from '@/components/ui/use-now.ts'
import { rowsAsText, saveText } from './export.ts'
import { LogHead } from './log-head.tsx'
import { LogList } from './log-list.tsx'
import { gutterColumns, type RowLook } from './log-row.tsx'
import type { LogRow } from './log-store.ts'
import { LogToolbar, type StreamChoice } from './log-toolbar.tsx'
import type { ViewOptions } from './log-view.ts'
import { useLogPreferences } from './preferences.ts'
import { SearchBox } from './search-box.tsx'
import { useColumns } from './use-columns.ts'
import { useLogModel } from './use-log-model.ts'
import { useSearch } from './use-search.ts'
import { useSearchKeys } from './use-search-keys.ts'

/** Left and right padding, border and scroll bar of a row. */
const ROW_EDGES_PX = 11 + 12 + 12

/** A container's log: follows it live, goes back to its beginning, searches it. */
export function LogViewer(props: {
  containerId: string
  name: string
  tty: boolean
  /** The log went with the container: what is here is all there is. */
  removed: boolean
}) {
  const { containerId, name, tty, removed } = props
  const [preferences, setPreferences] = useLogPreferences()
  const [streams, setStreams] = useState<StreamChoice>('both')
  const { search, set: setSearch, expression, error: searchError } = useSearch()
  const [currentRow, setCurrentRow] = useState<LogRow | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  // Relative times grow older by themselves; others need no tick.
  const now = useNow(preferences.time === 'relative' ? 10_000 : 3_600_000)

  const look: RowLook = useMemo(
    () => ({ ...preferences, search: expression, nameStream: !tty && streams === 'both', now }),
    [preferences, expression, tty, streams, now],
  )
  const fit = useColumns(box, ROW_EDGES_PX)
  const columns = preferences.wrap && fit !== null ? Math.max(8, fit - gutterColumns(look)) : null
  const options: ViewOptions = useMemo(
    () => ({
      streams: { stdout: streams !== 'stderr', stderr: streams !== 'stdout' },
      search: expression,
      filter: search.filter,
      columns,
    }),
    [streams, expression, search.filter, columns],
  )
  const { model, source, state, version } = useLogModel(containerId, tty, options)
  const { view, store } = model
  const connection = useConnection()

  const currentIndex = currentRow === null ? -1 : view.rows.indexOf(currentRow)
  const position = currentIndex < 0 ? -1 : view.matches.indexOf(currentIndex)
  const step = (direction: 1 | -1) => {
    // The first step goes to the newest match: what is wrong now stands at the end.
    const from = position < 0 ? view.rows.length : currentIndex
    const match = view.matchFrom(from, position < 0 ? -1 : direction)
    const index = view.matches[match]
    if (index === undefined) return
    model.setFollowing(false)
    setCurrentRow(view.rows[index] ?? null)
  }
  useSearchKeys(box, field, step)

  const copy = () => {
    void copyText(rowsAsText(view.rows, preferences.time)).then((done) => {
      const lines = `${view.rows.length.toLocaleString('en')} lines`
      if (done) toast.success(`Copied ${lines}`)
      else toast.error('The browser did not allow copying')
    })
  }

  return (
    <section ref={box} aria-label="Logs" className="flex min-h-0 flex-1 flex-col">
      <div className="bg-surface flex flex-wrap items-center gap-1.5 border-b px-2 py-1.5 sm:px-3">
        <SearchBox
          field={field}
          search={search}
          onChange={setSearch}
          error={searchError}
          matches={view.matches.length}
          position={position < 0 ? null : position}
          onStep={step}
        />
        <LogToolbar
          streams={tty ? null : streams}
          onStreams={setStreams}
          preferences={preferences}
          onPreferences={setPreferences}
          cleared={store.cleared}
          onClear={() => store.clear()}
          onRestore={() => {
            store.restore()
            void source?.loadOlder()
          }}
          onCopy={copy}
          onSave={() => saveText(`${name}.log`, rowsAsText(view.rows, preferences.time))}
          downloadUrl={(timestamps) =>
            `/containers/${encodeURIComponent(containerId)}/logs/download?timestamps=${timestamps ? 1 : 0}`
          }
        />
      </div>
      {state.error !== null && !removed && (
        <Notice title="The log could not be read" className="m-2">
          {state.error}
        </Notice>
      )}
      <div className="relative flex min-h-0 flex-1 flex-col">
        {view.rows.length === 0 ? (
          <NoLines loading={state.loading} searched={store.lines > 0} />
        ) : (
          <LogList
            view={view}
            version={version}
            look={look}
            following={store.following}
            onFollow={(following) => model.setFollowing(following)}
            current={currentIndex < 0 ? null : currentIndex}
            onLoadGap={(gap) => void source?.loadGap(gap)}
            head={<LogHead state={state} store={store} source={source} removed={removed} />}
            onNearTop={() => void source?.loadOlder()}
          />
        )}
        {!store.following && (
          <Button
            variant="primary"
            size="sm"
            className="rise shadow-raised absolute bottom-4 left-1/2 -translate-x-1/2 rounded-full"
            onClick={() => model.setFollowing(true)}
          >
            {store.unread === 0
              ? 'Follow'
              : `${store.unread.toLocaleString('en')} new line${store.unread === 1 ? '' : 's'}`}
            <ArrowDown aria-hidden />
          </Button>
        )}
      </div>
      <footer className="bg-surface text-muted-foreground flex items-center gap-3 border-t px-3 py-1 text-xs">
        <span className="tabular">
          {store.lines.toLocaleString('en')} line{store.lines === 1 ? '' : 's'}
          {view.options.filter &&
            expression &&
            ` · ${view.matches.length.toLocaleString('en')} match`}
        </span>
        <span className="ml-auto" role="status">
          {connection.state === 'lost'
            ? 'Connection lost: reconnecting…'
            : store.following
              ? 'Following'
              : 'Paused'}
        </span>
      </footer>
    </section>
  )
}

function NoLines({ loading, searched }: { loading: boolean; searched: boolean }) {
  if (loading) return <SkeletonRows rows={12} label="Loading the log" />
  return (
    <Empty icon={ScrollText} title={searched ? 'No line matches' : 'Nothing printed yet'}>
      {searched
        ? 'The search and the chosen output leave nothing of the lines that are loaded.'
        : 'What the container prints to stdout and stderr appears here as it comes.'}
    </Empty>
  )
}
