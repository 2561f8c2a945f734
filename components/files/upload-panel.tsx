'use client'
import { Button } from '@/components/ui/button.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { adviceFor } from './file-words.ts'
import type { Uploading } from './uploads.ts'

const SHOWN = 8

/** An upload that asks, goes on or has failed. */
export function UploadPanel(props: {
  uploading: Uploading
  onSend: () => void
  onCancel: () => void
}) {
  const { directory, files, step } = props.uploading
  const what = count(files.length, 'file')
  if (step.kind === 'looking') return null
  if (step.kind === 'asking') {
    const { taken } = step
    return (
      <ConfirmDialog
        open
        onOpenChange={(open) => !open && props.onCancel()}
        title={`Replace ${taken.length === 1 ? (taken[0] ?? '') : count(taken.length, 'file')}?`}
        description={
          <>
            In <code className="font-mono text-[13px] break-all">{directory}</code> there{' '}
            {taken.length === 1 ? 'is one of that name' : 'are such names'} already.
            {files.some(({ path }) => path.includes('/')) &&
              ' What a directory holds beside what is sent stays.'}
          </>
        }
        verb="Upload and replace"
        onConfirm={props.onSend}
      >
        {taken.length > 1 && (
          <ul className="list-inside list-disc text-[13px]">
            {taken.slice(0, SHOWN).map((name) => (
              <li key={name} className="break-all">
                {name}
              </li>
            ))}
            {taken.length > SHOWN && <li>and {count(taken.length - SHOWN, 'other')}</li>}
          </ul>
        )}
      </ConfirmDialog>
    )
  }
  if (step.kind === 'failed') {
    const advice = adviceFor(step.message)
    return (
      <Notice
        title={`${what} could not be uploaded to ${directory}`}
        className="mx-3 my-2 sm:mx-4"
        actions={
          <span className="flex gap-1.5">
            <Button size="xs" onClick={props.onSend}>
              Try again
            </Button>
            <Button size="xs" variant="ghost" onClick={props.onCancel}>
              Dismiss
            </Button>
          </span>
        }
      >
        {step.message}
        {advice !== undefined && <span className="block">{advice}</span>}
      </Notice>
    )
  }
  const { bytes, sent } = step
  return (
    <div
      className="bg-surface flex items-center gap-3 border-b px-3 py-2 text-[13px] sm:px-4"
      role="group"
      aria-label="Upload"
    >
      <span className="min-w-0 truncate">
        {bytes > 0 && sent >= bytes ? `Unpacking ${what}…` : `Uploading ${what} to ${directory}`}
      </span>
      <Progress
        label="Upload"
        value={bytes === 0 ? null : (100 * sent) / bytes}
        className="flex-1"
      />
      <span className="tabular text-muted-foreground shrink-0">
        {formatBytes(sent)} of {formatBytes(bytes)}
      </span>
      <Button size="xs" onClick={props.onCancel}>
        Cancel
      </Button>
    </div>
  )
}
