'use client'
import { useId, useState, type ReactNode } from 'react'
import type { Job } from '@/server/live/protocol.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { JobProgress } from './job-progress.tsx'
import { useJob } from './use-job.ts'

/** Asks what a job needs, then shows how it goes. The job goes on when the dialog is closed: see Activity. */
export function JobDialog(props: {
  title: string
  description: string
  /** the button that begins it */
  verb: ReactNode
  /** all is there that it needs */
  ready: boolean
  /** @returns the job's ID */
  begin: () => Promise<string>
  /** of why it could not begin */
  failureTitle: string
  /** the main button when it has gone well; else Close is */
  next?: (job: Job) => ReactNode
  onClose: () => void
  /** the fields */
  children: ReactNode
}) {
  const { onClose } = props
  const formId = useId()
  const [jobId, setJobId] = useState<string>()
  const start = useAction()
  const job = useJob(jobId)
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={props.title}
        description={props.description}
        className="max-w-2xl"
        footer={
          jobId === undefined ? (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button
                type="submit"
                form={formId}
                variant="primary"
                busy={start.busy}
                disabled={!props.ready}
              >
                {props.verb}
              </Button>
            </>
          ) : (
            <JobButtons
              job={job}
              next={props.next}
              onAgain={() => setJobId(undefined)}
              onClose={onClose}
            />
          )
        }
      >
        {jobId === undefined ? (
          <form
            id={formId}
            className="flex flex-col gap-4"
            onSubmit={(event) => {
              event.preventDefault()
              void start.run(async () => setJobId(await props.begin()))
            }}
          >
            {props.children}
            {start.failure !== undefined && (
              <Notice title={props.failureTitle}>{start.failure}</Notice>
            )}
          </form>
        ) : (
          <JobProgress job={job} />
        )}
      </DialogContent>
    </Dialog>
  )
}

function JobButtons(props: {
  job: Job | undefined
  next: ((job: Job) => ReactNode) | undefined
  onAgain: () => void
  onClose: () => void
}) {
  const { job, next } = props
  const over = job !== undefined && job.state !== 'running'
  const done = job?.state === 'done'
  return (
    <>
      {over && !done && <Button onClick={props.onAgain}>Change and try again</Button>}
      <Button
        variant={done && next === undefined ? 'primary' : 'secondary'}
        onClick={props.onClose}
      >
        {over ? 'Close' : 'Go on in the background'}
      </Button>
      {done && next?.(job)}
    </>
  )
}
