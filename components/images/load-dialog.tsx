'use client'
import { useQueryClient } from '@tanstack/react-query'
import { CircleCheck, FileArchive } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { engineUrl, failureText } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { readProgress, upload } from './upload.ts'

type Step =
  | { kind: 'choose' }
  | { kind: 'sending'; file: File; sent: number }
  | { kind: 'done'; said: string[] }
  | { kind: 'failed'; message: string }

/** Uploads what `docker save` wrote (or an OCI layout), compressed or not. */
export function LoadDialog({ onClose }: { onClose: () => void }) {
  const [step, setStep] = useState<Step>({ kind: 'choose' })
  const [over, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  const abort = useRef<AbortController>(undefined)
  const queries = useQueryClient()
  useEffect(() => () => abort.current?.abort(), [])

  const send = async (file: File) => {
    const controller = new AbortController()
    abort.current = controller
    setStep({ kind: 'sending', file, sent: 0 })
    try {
      const text = await upload(
        engineUrl('/images/load'),
        file,
        (sent) => setStep({ kind: 'sending', file, sent }),
        controller.signal,
      )
      const { said, error } = readProgress(text)
      setStep(error === undefined ? { kind: 'done', said } : { kind: 'failed', message: error })
      void queries.invalidateQueries({ queryKey: ['images'] })
    } catch (error) {
      if (!controller.signal.aborted) setStep({ kind: 'failed', message: failureText(error) })
    }
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title="Load images from a file"
        description="A tar written by docker save, or an OCI layout; .gz and .zst too."
        footer={
          <>
            {step.kind === 'failed' && (
              <Button onClick={() => setStep({ kind: 'choose' })}>Choose another file</Button>
            )}
            <Button variant={step.kind === 'done' ? 'primary' : 'secondary'} onClick={onClose}>
              {step.kind === 'sending' ? 'Cancel' : 'Close'}
            </Button>
          </>
        }
      >
        {step.kind === 'choose' && (
          <label
            onDragOver={(event) => {
              event.preventDefault()
              setOver(true)
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(event) => {
              event.preventDefault()
              const file = event.dataTransfer.files[0]
              if (file !== undefined) void send(file)
            }}
            className={cn(
              'focus-within:outline-ring flex cursor-pointer flex-col items-center gap-2 rounded-lg border border-dashed px-6 py-10 text-sm focus-within:outline-2',
              over ? 'border-link bg-accent' : 'border-input',
            )}
          >
            <FileArchive className="text-muted-foreground size-7" aria-hidden />
            <span>
              Drop the file here, or <span className="text-link">choose it</span>
            </span>
            <input
              ref={input}
              type="file"
              aria-label="Image file"
              accept=".tar,.gz,.tgz,.zst,.xz,application/x-tar"
              className="sr-only"
              onChange={(event) => {
                const file = event.target.files?.[0]
                if (file !== undefined) void send(file)
              }}
            />
          </label>
        )}
        {step.kind === 'sending' && (
          <div className="flex flex-col gap-2 py-4" aria-live="polite">
            <div className="flex justify-between gap-3 text-sm">
              <span className="truncate font-medium">{step.file.name}</span>
              <span className="tabular text-muted-foreground shrink-0">
                {formatBytes(step.sent)} of {formatBytes(step.file.size)}
              </span>
            </div>
            <Progress
              label="Upload"
              value={step.file.size === 0 ? null : (100 * step.sent) / step.file.size}
            />
            {step.sent >= step.file.size && (
              <p className="text-muted-foreground text-xs">Sent. The layers are being unpacked…</p>
            )}
          </div>
        )}
        {step.kind === 'done' && (
          <div className="flex gap-2.5 py-4 text-sm">
            <CircleCheck className="text-ok size-5 shrink-0" aria-hidden />
            <ul>
              {step.said.length === 0 ? (
                <li>The images are loaded.</li>
              ) : (
                step.said.map((line) => <li key={line}>{line}</li>)
              )}
            </ul>
          </div>
        )}
        {step.kind === 'failed' && (
          <Notice title="The file could not be loaded">{step.message}</Notice>
        )}
      </DialogContent>
    </Dialog>
  )
}
