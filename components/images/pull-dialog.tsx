'use client'
import { useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { JobProgress } from '@/components/jobs/job-progress.tsx'
import { useJob } from '@/components/jobs/use-job.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { AuthFields, authOf, noAuth } from './auth-fields.tsx'
import { DeployButton } from './deploy-button.tsx'

/** Asks for a name, then shows a bar per layer. The pull goes on when the dialog is closed: see Activity. */
export function PullDialog({ onClose }: { onClose: () => void }) {
  const [image, setImage] = useState('')
  const [auth, setAuth] = useState(noAuth)
  const [jobId, setJobId] = useState<string>()
  const start = useAction()
  const job = useJob(jobId)
  const begin = () =>
    void start.run(async () => {
      const { jobId: id } = await api.post<{ jobId: string }>('/api/pull', {
        image: image.trim(),
        ...authOf(auth),
      })
      setJobId(id)
    })
  const over = job !== undefined && job.state !== 'running'
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title="Pull an image"
        description="From Docker Hub, or from another registry by its host name."
        className="max-w-2xl"
        footer={
          jobId === undefined ? (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button
                type="submit"
                form="pull"
                variant="primary"
                busy={start.busy}
                disabled={image.trim() === ''}
              >
                Pull
              </Button>
            </>
          ) : (
            <>
              {over && job.state !== 'done' && (
                <Button onClick={() => setJobId(undefined)}>Change and try again</Button>
              )}
              <Button onClick={onClose}>{over ? 'Close' : 'Go on in the background'}</Button>
              {job?.state === 'done' && (
                <DeployButton image={job.title} variant="primary" size="md" />
              )}
            </>
          )
        }
      >
        {jobId === undefined ? (
          <form
            id="pull"
            className="flex flex-col gap-4"
            onSubmit={(event) => {
              event.preventDefault()
              begin()
            }}
          >
            <Field
              label="Image"
              hint="Like nginx:1.27, ghcr.io/owner/name:tag or registry.local:5000/app@sha256:…"
            >
              {(control) => (
                <Input
                  {...control}
                  value={image}
                  onChange={(event) => setImage(event.target.value)}
                  autoFocus
                  required
                  spellCheck={false}
                  autoCapitalize="off"
                />
              )}
            </Field>
            <AuthFields auth={auth} onChange={setAuth} />
            {start.failure !== undefined && (
              <Notice title="The pull could not begin">{start.failure}</Notice>
            )}
          </form>
        ) : (
          <JobProgress job={job} />
        )}
      </DialogContent>
    </Dialog>
  )
}
