'use client'
import { Notice } from '@/components/ui/notice.tsx'
import type { Job } from '@/server/live/protocol.ts'
import { JobLayers } from './job-layers.tsx'
import { JobMark, JobTime } from './job-state.tsx'

const nouns: Record<Job['kind'], string> = {
  pull: 'Pull',
  push: 'Push',
  deploy: 'Deployment',
  load: 'Load',
  build: 'Build',
}

/** One job in full: what happens now, a bar per layer, and what went wrong in words. */
export function JobProgress({ job }: { job: Job | undefined }) {
  if (job === undefined)
    return <p className="text-muted-foreground text-sm">Waiting for the server to begin…</p>
  return (
    <div className="flex flex-col gap-3" aria-live="polite">
      {job.state === 'failed' ? (
        <Notice title={`${nouns[job.kind]} failed: ${job.title}`}>{job.message}</Notice>
      ) : (
        <div className="flex items-center gap-2.5 text-sm">
          <JobMark job={job} />
          <span className="min-w-0 flex-1 break-words">
            {job.message === '' ? job.title : job.message}
          </span>
          <JobTime job={job} />
        </div>
      )}
      {(job.state === 'running' || job.state === 'done') && <JobLayers job={job} />}
    </div>
  )
}
