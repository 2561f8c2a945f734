'use client'
import { Ban, CircleCheck, CircleX, Unplug } from 'lucide-react'
import type { BuildSummary } from '@/engine/contract/builds.ts'
import { Badge } from '@/components/ui/badge.tsx'
import { Spinner } from '@/components/ui/spinner.tsx'
import { useNow } from '@/components/ui/use-now.ts'
import { shortSpan, spanMs, stateWords } from './build-words.ts'

/** The state as a sign with its word for screen readers. */
export function BuildMark({ state }: { state: BuildSummary['state'] }) {
  const label = stateWords[state].word
  switch (state) {
    case 'running':
      return <Spinner className="text-link" label={label} />
    case 'done':
      return <CircleCheck className="text-ok size-4 shrink-0" role="img" aria-label={label} />
    case 'failed':
      return <CircleX className="text-bad size-4 shrink-0" role="img" aria-label={label} />
    case 'cancelled':
      return <Ban className="text-muted-foreground size-4 shrink-0" role="img" aria-label={label} />
    case 'interrupted':
      return <Unplug className="text-warn size-4 shrink-0" role="img" aria-label={label} />
  }
}

export function BuildBadge({ state }: { state: BuildSummary['state'] }) {
  const { tone, word } = stateWords[state]
  return <Badge tone={tone}>{word}</Badge>
}

/** How long it took, or takes so far. */
export function BuildTime({ build }: { build: Pick<BuildSummary, 'startedAt' | 'endedAt'> }) {
  const now = useNow()
  return <span className="tabular">{shortSpan(spanMs(build.startedAt, build.endedAt, now))}</span>
}
