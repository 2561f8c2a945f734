'use client'
import { ListChecks } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import type { Job } from '@/server/live/protocol.ts'
import { api, failureText } from '@/components/engine/client.ts'
import { DeployButton } from '@/components/images/deploy-button.tsx'
import { imageHref } from '@/components/images/image-name.ts'
import { Age } from '@/components/ui/age.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { JobLayers } from './job-layers.tsx'
import { JobMark, JobTime } from './job-state.tsx'

export function JobList({ jobs, onLeave }: { jobs: Job[] | undefined; onLeave: () => void }) {
  if (jobs === undefined) return <SkeletonRows rows={3} />
  if (jobs.length === 0) {
    return (
      <Empty icon={ListChecks} title="Nothing has run yet">
        Pulls, pushes, builds, deployments and loads appear here with their progress, and stay when
        you leave the page.
      </Empty>
    )
  }
  const newestFirst = [...jobs].sort((a, b) => b.startedAt - a.startedAt)
  return (
    <ul className="divide-y" aria-label="Jobs">
      {newestFirst.map((job) => (
        <JobRow key={job.id} job={job} onLeave={onLeave} />
      ))}
    </ul>
  )
}

function JobRow({ job, onLeave }: { job: Job; onLeave: () => void }) {
  return (
    <li className="flex flex-col gap-2 px-5 py-3">
      <div className="flex items-center gap-3">
        <JobMark job={job} />
        <div className="min-w-0 flex-1">
          <div className="truncate text-sm font-medium">{job.title}</div>
          <div className="text-muted-foreground text-xs">
            {job.user} · <Age since={job.startedAt} suffix=" ago" />
          </div>
        </div>
        <JobTime job={job} />
        {job.state === 'running' && <CancelButton job={job} />}
        {job.kind === 'build' && (
          <Button asChild size="xs">
            <Link href={`/builds/${job.id}`} aria-label={`Open ${job.title}`} onClick={onLeave}>
              Open
            </Link>
          </Button>
        )}
        {job.state === 'done' && job.result?.containerId !== undefined && (
          <Button asChild size="xs">
            <Link href={`/containers/${job.result.containerId}`} onClick={onLeave}>
              Open
            </Link>
          </Button>
        )}
        {job.state === 'done' && <ImageButtons job={job} onLeave={onLeave} />}
      </div>
      {job.state === 'running' && <JobLayers job={job} />}
      {job.state === 'failed' ? (
        <Notice title={job.message} />
      ) : (
        job.message !== '' && (
          <p className="text-muted-foreground text-xs break-words">{job.message}</p>
        )
      )}
    </li>
  )
}

/** Leads on to the image that a job has brought, made or sent. */
function ImageButtons({ job, onLeave }: { job: Job; onLeave: () => void }) {
  const image = job.result?.images?.[0]
  if (image === undefined || job.result?.containerId !== undefined) return null
  return (
    <>
      {job.kind !== 'build' && (
        <Button asChild size="xs">
          <Link href={imageHref(image)} prefetch={false} onClick={onLeave}>
            Open
          </Link>
        </Button>
      )}
      <DeployButton image={image} compact size="xs" onLeave={onLeave} />
    </>
  )
}

function CancelButton({ job }: { job: Job }) {
  const [failure, setFailure] = useState<string>()
  const [busy, setBusy] = useState(false)
  return (
    <>
      {failure !== undefined && <span className="text-bad text-xs">{failure}</span>}
      <Button
        size="xs"
        busy={busy}
        aria-label={`Cancel ${job.title}`}
        onClick={() => {
          setBusy(true)
          api
            .post(`/api/jobs/${job.id}/cancel`)
            .catch((error: unknown) => setFailure(failureText(error)))
            .finally(() => setBusy(false))
        }}
      >
        Cancel
      </Button>
    </>
  )
}
