'use client'
import { ArrowDown, ChevronsDownUp, ChevronsUpDown, Download, ScrollText } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import type { BuildRecord } from '@/engine/contract/builds.ts'
import { useConnection } from '@/components/live/provider.tsx'
import '@/components/logs/logs.css'
import { SearchBox } from '@/components/logs/search-box.tsx'
import { useColumns } from '@/components/logs/use-columns.ts'
import { useSearch } from '@/components/logs/use-search.ts'
import { useSearchKeys } from '@/components/logs/use-search-keys.ts'
import { VirtualLines } from '@/components/logs/virtual-lines.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import type { BuildState } from './build-store.ts'
import { buildView, type BuildRow, type StepRow } from './build-view.ts'
import { RunningSteps } from './running-steps.tsx'
import { StepHeading, StepLine } from './step-row.tsx'

/** Paddings of a line and the scroll bar. */
const ROW_EDGES_PX = 40 + 12 + 12

/** What a build's steps print, folded by step: live, searchable, however long. */
export function BuildLog({ build, state }: { build: BuildRecord; state: BuildState }) {
  const { search, set: setSearch, expression, error: searchError } = useSearch()
  const [chosen, setChosen] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [following, setFollowing] = useState(true)
  const [currentRow, setCurrentRow] = useState<BuildRow | null>(null)
  const [headings] = useState(() => new Map<string, StepRow>())
  const box = useRef<HTMLDivElement>(null)
  const field = useRef<HTMLInputElement>(null)
  const connection = useConnection()
  const columns = useColumns(box, ROW_EDGES_PX) ?? 120
  const steps = useMemo(
    () => [...build.steps].sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1)),
    [build.steps],
  )
  const byName = useMemo(() => new Map(steps.map((step) => [step.step, step])), [steps])
  const view = useMemo(
    () =>
      buildView(steps, state, {
        chosen,
        columns,
        headings,
        search: expression,
        filter: search.filter,
      }),
    [steps, state, chosen, columns, headings, expression, search.filter],
  )

  const currentIndex = currentRow === null ? -1 : view.rows.indexOf(currentRow)
  const position = currentIndex < 0 ? -1 : view.matches.indexOf(currentIndex)
  const step = (direction: 1 | -1) => {
    const { length } = view.matches
    if (length === 0) return
    const next = position < 0 ? (direction === 1 ? 0 : length - 1) : position + direction
    setFollowing(false)
    setCurrentRow(view.rows[view.matches[(next + length) % length] ?? 0] ?? null)
  }
  useSearchKeys(box, field, step)

  const toggle = (name: string) => {
    setChosen(new Map(chosen).set(name, !view.unfolded.has(name)))
    setFollowing(false)
  }
  const all = (open: boolean) => {
    setChosen(new Map(steps.map(({ step: name }) => [name, open])))
    setFollowing(false)
  }
  const isRunning = build.state === 'running'
  const isOpen = steps.length > 0 && view.unfolded.size === steps.length
  const running = steps.filter((one) => one.state === 'running')
  const jump = (name: string) => {
    const row = headings.get(name)
    if (!row) return
    setFollowing(false)
    setCurrentRow(row)
  }
  return (
    <section ref={box} aria-label="Log" className="flex min-h-0 flex-1 flex-col">
      <div className="bg-surface flex flex-wrap items-center gap-1.5 border-b px-2 py-1.5 sm:px-3">
        <SearchBox
          field={field}
          search={search}
          onChange={setSearch}
          error={searchError}
          matches={view.matches.length}
          position={position < 0 ? null : position}
          onStep={step}
          label="Search the log"
        />
        <Button size="sm" variant="ghost" onClick={() => all(!isOpen)}>
          {isOpen ? <ChevronsDownUp aria-hidden /> : <ChevronsUpDown aria-hidden />}
          {isOpen ? 'Fold all' : 'Unfold all'}
        </Button>
        <Button asChild size="sm" variant="ghost">
          <a href={`/api/builds/${build.id}/log`} download aria-label="Log file: download it">
            <Download aria-hidden /> <span className="hidden sm:inline">Log file</span>
          </a>
        </Button>
      </div>
      {running.length > 1 && <RunningSteps steps={running} onJump={jump} />}
      <div className="relative flex min-h-0 flex-1 flex-col">
        {view.rows.length === 0 ? (
          <NoSteps build={build} />
        ) : (
          <VirtualLines
            view={view}
            version={state}
            label="Steps"
            wrap
            following={isRunning && following}
            onFollow={setFollowing}
            current={currentIndex < 0 ? null : currentIndex}
            renderRow={(row, index) => {
              if (row.kind === 'line')
                return <StepLine row={row} search={expression} current={index === currentIndex} />
              const record = byName.get(row.step)
              return (
                record && (
                  <StepHeading
                    step={record}
                    lines={state.linesOf(row.step).length}
                    open={view.unfolded.has(row.step)}
                    onToggle={() => toggle(row.step)}
                  />
                )
              )
            }}
          />
        )}
        {isRunning && !following && (
          <Button
            variant="primary"
            size="sm"
            className="rise shadow-raised absolute bottom-4 left-1/2 -translate-x-1/2 rounded-full"
            onClick={() => setFollowing(true)}
          >
            Follow <ArrowDown aria-hidden />
          </Button>
        )}
      </div>
      <footer className="bg-surface text-muted-foreground flex items-center gap-3 border-t px-3 py-1 text-xs">
        <span className="tabular">
          {state.lines.toLocaleString('en')} line{state.lines === 1 ? '' : 's'}
          {state.omitted > 0 &&
            `, the first ${state.omitted.toLocaleString('en')} in the download only`}
        </span>
        <span className="ml-auto" role="status">
          {connection.state === 'lost'
            ? 'Connection lost: reconnecting…'
            : isRunning
              ? following
                ? 'Following'
                : 'Paused'
              : 'Complete'}
        </span>
      </footer>
    </section>
  )
}

function NoSteps({ build }: { build: BuildRecord }) {
  return (
    <Empty
      icon={ScrollText}
      title={build.state === 'running' ? 'Reading the context…' : 'No step was begun'}
    >
      {build.state === 'running'
        ? 'Steps appear as soon as the files are here and the Dockerfile is read.'
        : 'The build ended before its first step.'}
    </Empty>
  )
}
