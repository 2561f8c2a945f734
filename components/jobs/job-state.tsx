'use client'
import { Ban, CircleCheck, CircleX } from 'lucide-react'
import type { Job } from '@/server/live/protocol.ts'
import { formatDuration } from '@/components/ui/format.ts'
import { Spinner } from '@/components/ui/spinner.tsx'
import { useNow } from '@/components/ui/use-now.ts'

export function JobMark({ job }: { job: Job }) {
  if (job.state === 'running') return <Spinner className="text-link" label="Running" />
  if (job.state === 'done')
    return <CircleCheck className="text-ok size-4" role="img" aria-label="Done" />
  if (job.state === 'failed')
    return <CircleX className="text-bad size-4" role="img" aria-label="Failed" />
  return <Ban className="text-muted-foreground size-4" role="img" aria-label="Cancelled" />
}

/** How long it took, or takes so far. */
export function JobTime({ job }: { job: Job }) {
  const now = useNow()
  const end = job.endedAt ?? Math.max(now, job.startedAt)
  return (
    <span className="tabular text-muted-foreground text-xs">
      {formatDuration(end - job.startedAt)}
    </span>
  )
}
