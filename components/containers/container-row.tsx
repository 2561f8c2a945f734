'use client'
import { X } from 'lucide-react'
import Link from 'next/link'
import { memo } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { makerName, makerOf } from '@/components/callers/caller-words.ts'
import { Age } from '@/components/ui/age.tsx'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { cn } from '@/components/ui/cn.ts'
import { formatBytes, formatPercent } from '@/components/ui/format.ts'
import { Spinner } from '@/components/ui/spinner.tsx'
import { containerName } from './container-name.ts'
import { COMPOSE_PROJECT } from './filter.ts'
import { Ports } from './ports.tsx'
import { RowMenu } from './row-menu.tsx'
import { Sparkline } from './sparkline.tsx'
import { StateDot } from './state-dot.tsx'
import { stateOf } from './state.ts'
import { useTrace } from './use-fleet.ts'
import { verbWords, type Verb } from './verbs.ts'

export interface RowProps {
  container: ContainerSummary
  selected: boolean
  current: boolean
  /** Just removed: it fades before its place closes. */
  gone: boolean
  pending: Verb | undefined
  failure: string | undefined
  onSelect: (id: string, range: boolean) => void
  onVerb: (verb: Verb, container: ContainerSummary) => void
  onRemove: (container: ContainerSummary) => void
  onDismiss: (id: string) => void
}

export const COLUMNS =
  'grid grid-cols-[2.25rem_minmax(11rem,2fr)_minmax(8rem,1.5fr)_8.25rem_9rem_minmax(7rem,1fr)_minmax(8.5rem,1.1fr)_5.5rem_2.5rem] items-center'

/** A row of the wide list. Memoised: of a thousand rows only those that changed are drawn again. */
export const ContainerRow = memo(function ContainerRow(props: RowProps) {
  const { container, pending, failure } = props
  const id = container.Id ?? ''
  const name = containerName(container)
  const maker = makerOf(container)
  return (
    <>
      <div
        className={cn(
          COLUMNS,
          'min-h-13',
          props.gone && 'opacity-40 transition-opacity duration-500',
        )}
      >
        <div role="cell" className="flex justify-center">
          <Checkbox
            aria-label={`Select ${name}`}
            checked={props.selected}
            // The click's shift key matters, which onCheckedChange does not tell.
            onClick={(event) => props.onSelect(id, event.shiftKey)}
          />
        </div>
        <div role="cell" className="min-w-0 pr-3">
          <NameCell container={container} pending={pending} />
        </div>
        <div role="cell" className="min-w-0 pr-3">
          <div className="truncate text-[13px]" title={container.Image}>
            {container.Image}
          </div>
        </div>
        <CpuCell id={id} />
        <MemoryCell id={id} />
        <div role="cell" className="min-w-0 pr-3">
          <Ports ports={container.Ports ?? []} />
        </div>
        <div role="cell" className="min-w-0 pr-3">
          <StateCell container={container} pending={pending} />
        </div>
        <div role="cell" className="text-muted-foreground min-w-0 pr-3 text-[13px] leading-tight">
          {container.Created !== undefined && <Age since={container.Created * 1000} />}
          {maker !== undefined && (
            <span className="block truncate text-xs" title={`made by ${maker}`}>
              {makerName(container)}
            </span>
          )}
        </div>
        <div role="cell">
          <RowMenu
            container={container}
            onVerb={(verb) => props.onVerb(verb, container)}
            onRemove={() => props.onRemove(container)}
          />
        </div>
      </div>
      {failure !== undefined && (
        <div role="cell">
          <Failure words={failure} onDismiss={() => props.onDismiss(id)} />
        </div>
      )}
    </>
  )
})

export function NameCell({
  container,
  pending,
}: {
  container: ContainerSummary
  pending: Verb | undefined
}) {
  const project = container.Labels?.[COMPOSE_PROJECT]
  return (
    <div className="flex min-w-0 items-center gap-2.5">
      {pending === undefined ? (
        <StateDot view={stateOf(container)} />
      ) : (
        <Spinner className="size-3" label={verbWords[pending].doing} />
      )}
      <div className="min-w-0 leading-tight">
        <Link
          href={`/containers/${container.Id ?? ''}`}
          prefetch={false}
          title={containerName(container)}
          className="block truncate rounded-sm font-medium hover:underline"
        >
          {containerName(container)}
        </Link>
        {project !== undefined && (
          <span className="text-muted-foreground block truncate text-xs">{project}</span>
        )}
      </div>
    </div>
  )
}

export function StateCell({
  container,
  pending,
}: {
  container: ContainerSummary
  pending: Verb | undefined
}) {
  const view = stateOf(container)
  const tone = {
    ok: '',
    warn: 'text-warn',
    bad: 'text-bad',
    neutral: 'text-muted-foreground',
    info: 'text-link',
  }[view.tone]
  if (pending !== undefined)
    return <span className="text-muted-foreground text-[13px]">{verbWords[pending].doing}…</span>
  return (
    <div className="leading-tight" title={`${view.word}, ${view.detail}`}>
      <div className={cn('truncate text-[13px]', tone)}>{view.word}</div>
      <div className="text-muted-foreground truncate text-xs">{view.detail}</div>
    </div>
  )
}

function CpuCell({ id }: { id: string }) {
  const trace = useTrace(id)
  return (
    <div role="cell" className="flex items-center gap-2 pr-3">
      {trace === undefined ? (
        <Nothing />
      ) : (
        <>
          <span className="tabular w-12 text-right text-[13px]">
            {formatPercent(trace.latest.cpu)}
          </span>
          <Sparkline values={trace.cpu} floor={5} colour={1} />
        </>
      )}
    </div>
  )
}

function MemoryCell({ id }: { id: string }) {
  const trace = useTrace(id)
  return (
    <div role="cell" className="flex items-center gap-2 pr-3">
      {trace === undefined ? (
        <Nothing />
      ) : (
        <>
          <span className="tabular w-15 text-right text-[13px]">
            {formatBytes(trace.latest.memory)}
          </span>
          <Sparkline values={trace.memory} floor={1_048_576} colour={2} />
        </>
      )}
    </div>
  )
}

function Nothing() {
  return <span className="text-muted-foreground w-12 text-right">–</span>
}

export function Failure({ words, onDismiss }: { words: string; onDismiss: () => void }) {
  return (
    <div role="alert" className="text-bad flex items-start gap-2 pb-2 pl-9 text-[13px]">
      <span className="min-w-0 flex-1 break-words">{words}</span>
      <button
        type="button"
        aria-label="Dismiss"
        onClick={onDismiss}
        className="hover:bg-accent mr-3 rounded-sm p-0.5"
      >
        <X className="size-3.5" aria-hidden />
      </button>
    </div>
  )
}
