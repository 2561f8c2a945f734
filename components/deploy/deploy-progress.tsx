'use client'
import Link from 'next/link'
import { useRouter } from 'next/navigation'
import { useEffect } from 'react'
import { api } from '@/components/engine/client.ts'
import { JobProgress } from '@/components/jobs/job-progress.tsx'
import { useJob } from '@/components/jobs/use-job.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { Notice } from '@/components/ui/notice.tsx'

/** Follows a deployment to its end, which is the container's own page; failed, it leads back to the form as it was. */
export function DeployProgress({ jobId, onBack }: { jobId: string; onBack: () => void }) {
  const job = useJob(jobId)
  const router = useRouter()
  const cancel = useAction()
  const containerId = job?.state === 'done' ? job.result?.containerId : undefined
  useEffect(() => {
    if (containerId !== undefined) router.replace(`/containers/${containerId}`)
  }, [containerId, router])
  const over = job !== undefined && job.state !== 'running'
  return (
    <div className="mx-auto max-w-3xl p-3 md:p-4">
      <Card aria-label="Deployment">
        <CardHeader title={job === undefined ? 'Deployment' : `Deployment of ${job.title}`} />
        <div className="flex flex-col gap-4 p-4">
          <JobProgress job={job} />
          {cancel.failure !== undefined && (
            <Notice title="It could not be cancelled">{cancel.failure}</Notice>
          )}
          <div className="flex flex-wrap gap-2">
            {!over && (
              <>
                <Button
                  busy={cancel.busy}
                  onClick={() => void cancel.run(() => api.post(`/api/jobs/${jobId}/cancel`))}
                >
                  Cancel
                </Button>
                <Button asChild variant="ghost">
                  <Link href="/containers">Go on in the background</Link>
                </Button>
              </>
            )}
            {over && containerId === undefined && (
              <Button variant="primary" onClick={onBack}>
                Back to the form
              </Button>
            )}
            {containerId !== undefined && (
              <Button asChild variant="primary">
                <Link href={`/containers/${containerId}`}>Open the container</Link>
              </Button>
            )}
          </div>
        </div>
      </Card>
    </div>
  )
}
