'use client'
import type { BuildStepRecord } from '@/engine/contract/builds.ts'
import { useNow } from '@/components/ui/use-now.ts'
import { Spinner } from '@/components/ui/spinner.tsx'
import { shortSpan, spanMs, stepParts } from './build-words.ts'

/** Steps that go on beside each other, of which the log below shows one at a time: each leads to its own. */
export function RunningSteps(props: { steps: BuildStepRecord[]; onJump: (step: string) => void }) {
  const now = useNow()
  return (
    <div
      role="group"
      aria-label="Under way"
      className="bg-surface flex items-center gap-1.5 overflow-x-auto border-b px-3 py-1.5"
    >
      <span className="text-muted-foreground shrink-0 text-xs">{props.steps.length} at once</span>
      {props.steps.map((step) => {
        const { count, stage, words } = stepParts(step)
        return (
          <button
            key={step.step}
            type="button"
            onClick={() => props.onJump(step.step)}
            title={step.instruction}
            className="hover:bg-accent flex h-7 max-w-72 shrink-0 items-center gap-1.5 rounded-md border px-2 text-xs"
          >
            <Spinner className="text-link size-3 shrink-0" />
            <span className="shrink-0 font-medium whitespace-nowrap">
              {stage === '' ? count : `${stage} ${count}`}
            </span>
            <span className="text-muted-foreground min-w-0 truncate font-mono">{words}</span>
            <span className="text-muted-foreground tabular shrink-0 whitespace-nowrap">
              {shortSpan(spanMs(step.startedAt, null, now))}
            </span>
          </button>
        )
      })}
    </div>
  )
}
