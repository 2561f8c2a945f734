'use client'
import { FileArchive } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { failureText } from '@/components/engine/client.ts'
import { JobProgress } from '@/components/jobs/job-progress.tsx'
import { useJob } from '@/components/jobs/use-job.ts'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { upload } from './upload.ts'

type Step =
  | { kind: 'choose' }
  | { kind: 'sending'; file: File; sent: number }
  | { kind: 'loading'; jobId: string }
  | { kind: 'failed'; message: string }

/** Uploads what `docker save` wrote (or an OCI layout), compressed or not, and shows how it is unpacked. */
export function LoadDialog({ onClose }: { onClose: () => void }) {
  const [step, setStep] = useState<Step>({ kind: 'choose' })
  const abort = useRef<AbortController>(undefined)
  useEffect(() => () => abort.current?.abort(), [])
  const job = useJob(step.kind === 'loading' ? step.jobId : undefined)

  const send = async (file: File) => {
    const controller = new AbortController()
    abort.current = controller
    setStep({ kind: 'sending', file, sent: 0 })
    try {
      const { jobId } = await upload<{ jobId: string }>(
        '/api/load',
        file,
        (sent) => setStep({ kind: 'sending', file, sent }),
        controller.signal,
      )
      setStep({ kind: 'loading', jobId })
    } catch (error) {
      if (!controller.signal.aborted) setStep({ kind: 'failed', message: failureText(error) })
    }
  }
  const failed = step.kind === 'failed' || job?.state === 'failed'
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title="Load images from a file"
        description="A tar written by docker save, or an OCI layout, compressed or not."
        footer={
          <>
            {failed && (
              <Button onClick={() => setStep({ kind: 'choose' })}>Choose another file</Button>
            )}
            <Button variant={job?.state === 'done' ? 'primary' : 'secondary'} onClick={onClose}>
              {step.kind === 'sending' ? 'Cancel' : 'Close'}
            </Button>
          </>
        }
      >
        {step.kind === 'choose' && <DropZone onFile={(file) => void send(file)} />}
        {step.kind === 'sending' && <Sending file={step.file} sent={step.sent} />}
        {step.kind === 'loading' && <JobProgress job={job} />}
        {step.kind === 'failed' && (
          <Notice title="The file could not be sent">{step.message}</Notice>
        )}
      </DialogContent>
    </Dialog>
  )
}

function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const [over, setOver] = useState(false)
  return (
    <label
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        const file = event.dataTransfer.files[0]
        if (file !== undefined) onFile(file)
      }}
      className={cn(
        'focus-within:outline-ring flex cursor-pointer flex-col items-center gap-2 rounded-lg border border-dashed px-6 py-10 text-sm focus-within:outline-2',
        over ? 'border-link bg-accent' : 'border-input',
      )}
    >
      <FileArchive className="text-muted-foreground size-7" aria-hidden />
      <span>
        Drop the file here, or{' '}
        <span className="text-link underline underline-offset-2">choose it</span>
      </span>
      <input
        type="file"
        aria-label="Image file"
        autoFocus
        className="sr-only"
        onChange={(event) => {
          const file = event.target.files?.[0]
          if (file !== undefined) onFile(file)
        }}
      />
    </label>
  )
}

function Sending({ file, sent }: { file: File; sent: number }) {
  return (
    <div className="flex flex-col gap-2 py-4" aria-live="polite">
      <div className="flex justify-between gap-3 text-sm">
        <span className="truncate font-medium">{file.name}</span>
        <span className="tabular text-muted-foreground shrink-0">
          {formatBytes(sent)} of {formatBytes(file.size)}
        </span>
      </div>
      <Progress label="Upload" value={file.size === 0 ? null : (100 * sent) / file.size} />
      {sent >= file.size && (
        <p className="text-muted-foreground text-xs">Sent; waiting for the server…</p>
      )}
    </div>
  )
}
