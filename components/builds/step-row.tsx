'use client'
import { Ban, ChevronRight, CircleCheck, CircleX } from 'lucide-react'
import { memo } from 'react'
import type { BuildStepRecord } from '@/engine/contract/builds.ts'
import { LineText } from '@/components/logs/line-text.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Spinner } from '@/components/ui/spinner.tsx'
import { useNow } from '@/components/ui/use-now.ts'
import type { LineRow } from './build-store.ts'
import { shortSpan, spanMs, stepParts } from './build-words.ts'

/** A step's heading: what it is, how it is, how long it took; pressed, it shows or hides what it printed. */
export function StepHeading(props: {
  step: BuildStepRecord
  lines: number
  open: boolean
  onToggle: () => void
}) {
  const { step, lines, open, onToggle } = props
  const { count, stage, words } = stepParts(step)
  return (
    <button
      type="button"
      aria-expanded={open}
      onClick={onToggle}
      className={cn(
        // as high as HEADING_LINES says
        'hover:bg-accent/60 flex h-10 w-full items-center gap-2 border-t px-3 text-left font-sans outline-offset-[-2px]',
        open && 'bg-muted/60',
      )}
    >
      <ChevronRight
        className={cn(
          'text-muted-foreground size-4 shrink-0 transition-transform',
          open && 'rotate-90',
          lines === 0 && 'opacity-30',
        )}
        aria-hidden
      />
      <StepMark state={step.state} />
      {stage !== '' && <Badge className="max-w-32 truncate">{stage}</Badge>}
      <span className="text-muted-foreground tabular hidden text-xs sm:inline">{count}</span>
      <span className="min-w-0 flex-1 truncate font-mono text-[12.5px]" title={step.instruction}>
        {words}
      </span>
      {step.cached && step.state === 'done' && <Badge tone="info">cached</Badge>}
      {lines > 0 && (
        <span className="text-muted-foreground tabular hidden text-xs whitespace-nowrap md:inline">
          {lines.toLocaleString('en')} line{lines === 1 ? '' : 's'}
        </span>
      )}
      <StepTime step={step} />
    </button>
  )
}

function StepMark({ state }: { state: BuildStepRecord['state'] }) {
  switch (state) {
    case 'running':
      return <Spinner className="text-link size-4 shrink-0" label="Running" />
    case 'done':
      return <CircleCheck className="text-ok size-4 shrink-0" role="img" aria-label="Done" />
    case 'failed':
      return <CircleX className="text-bad size-4 shrink-0" role="img" aria-label="Failed" />
    case 'cancelled':
      return (
        <Ban className="text-muted-foreground size-4 shrink-0" role="img" aria-label="Cancelled" />
      )
  }
}

function StepTime({ step }: { step: BuildStepRecord }) {
  const now = useNow(step.endedAt === null ? 1000 : 3_600_000)
  return (
    <span className="text-muted-foreground tabular w-14 shrink-0 text-right text-xs">
      {shortSpan(spanMs(step.startedAt, step.endedAt, now))}
    </span>
  )
}

/** One line that a step printed. */
export const StepLine = memo(function StepLine(props: {
  row: LineRow
  search: RegExp | null
  current: boolean
}) {
  const { current, row, search } = props
  return (
    <div
      className={cn(
        'log-row hover:bg-accent/60 flex pr-3 pl-10',
        row.stream === 'note' && 'text-muted-foreground italic',
        current && 'bg-accent',
      )}
      title={row.time}
    >
      <span className="min-w-0 flex-1 break-all whitespace-pre-wrap">
        <LineText row={row} search={search} current={current} />
      </span>
    </div>
  )
})
