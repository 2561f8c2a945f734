'use client'
import { CloudUpload } from 'lucide-react'
import { useId, useState } from 'react'
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
import type { ActedImage } from './image-dialogs.tsx'
import { imageName, imageReference, namesRegistry, tagsOf } from './image-name.ts'
import { TakenTag } from './taken-tag.tsx'

/** Asks where to, then shows a bar per layer. The push goes on when the dialog is closed: see Activity. */
export function PushDialog({ image, onClose }: { image: ActedImage; onClose: () => void }) {
  const tags = tagsOf(image)
  const [target, setTarget] = useState(tags.find(namesRegistry) ?? tags[0] ?? '')
  const [auth, setAuth] = useState(noAuth)
  const [jobId, setJobId] = useState<string>()
  const start = useAction()
  const job = useJob(jobId)
  const listId = useId()
  const begin = () =>
    void start.run(async () => {
      const answer = await api.post<{ jobId: string }>('/api/push', {
        image: imageReference(image),
        target: target.trim(),
        ...authOf(auth),
      })
      setJobId(answer.jobId)
    })
  const over = job !== undefined && job.state !== 'running'
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={`Push ${imageName(image)}`}
        description="Sends the layers that the registry does not have yet."
        className="max-w-2xl"
        footer={
          jobId === undefined ? (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button
                type="submit"
                form="push"
                variant="primary"
                busy={start.busy}
                disabled={target.trim() === ''}
              >
                <CloudUpload aria-hidden /> Push
              </Button>
            </>
          ) : (
            <>
              {over && job.state !== 'done' && (
                <Button onClick={() => setJobId(undefined)}>Change and try again</Button>
              )}
              <Button variant={over ? 'primary' : 'secondary'} onClick={onClose}>
                {over ? 'Close' : 'Go on in the background'}
              </Button>
            </>
          )
        }
      >
        {jobId === undefined ? (
          <form
            id="push"
            className="flex flex-col gap-4"
            onSubmit={(event) => {
              event.preventDefault()
              begin()
            }}
          >
            <Field
              label="Push as"
              hint={
                namesRegistry(target)
                  ? 'The registry is the part before the first slash.'
                  : 'Without a registry’s host in front it goes to Docker Hub.'
              }
            >
              {(control) => (
                <Input
                  {...control}
                  list={listId}
                  value={target}
                  onChange={(event) => setTarget(event.target.value)}
                  placeholder="registry.local:5000/team/app:2.1"
                  autoFocus
                  required
                  spellCheck={false}
                  autoCapitalize="off"
                  autoComplete="off"
                />
              )}
            </Field>
            <datalist id={listId}>
              {tags.map((tag) => (
                <option key={tag} value={tag} />
              ))}
            </datalist>
            <TakenTag target={target} image={image} />
            <AuthFields auth={auth} onChange={setAuth} />
            {start.failure !== undefined && (
              <Notice title="The push could not begin">{start.failure}</Notice>
            )}
          </form>
        ) : (
          <JobProgress job={job} />
        )}
      </DialogContent>
    </Dialog>
  )
}
