'use client'
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, Download, FileQuestion, Save } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useRouter } from 'next/navigation'
import { useEffect, useEffectEvent, useState } from 'react'
import { failureText, RequestError } from '@/components/engine/client.ts'
import { useLeaveGuard } from '@/components/page/use-leave-guard.ts'
import { QueryStates } from '@/components/page/query-states.tsx'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { adviceFor } from './file-words.ts'
import { openFile, saveFile, type OpenedFile } from './files-api.ts'
import { baseOf } from './paths.ts'
import { bytesOf, textOf } from './text-content.ts'
import type { Place } from './use-files.ts'

const TextCode = dynamic(() => import('./text-code.tsx').then((module) => module.TextCode), {
  ssr: false,
  loading: () => (
    <div
      role="status"
      aria-label="Loading the editor"
      className="appear-late bg-accent size-full animate-pulse"
    />
  ),
})

interface Frame {
  place: Place
  path: string
  onDownload: () => void
  onClose: () => void
}

/** A file in place of the list that it is in: its text to be read and changed, or why it cannot be. */
export function FileEditor(props: Frame) {
  const { containerId } = props.place
  const query = useQuery({
    queryKey: ['file', containerId, props.path],
    queryFn: ({ signal }) => openFile(containerId, props.path, signal),
    // an open editor keeps what it was opened with
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  })
  return (
    <section aria-label={`File ${props.path}`} className="flex min-h-0 flex-1 flex-col">
      {query.data === undefined && <Bar {...props} />}
      <QueryStates query={query} what="file">
        {(opened) => (
          // another version is another text to begin with
          <Opened
            key={opened.version}
            {...props}
            opened={opened}
            onReload={async () => void (await query.refetch())}
          />
        )}
      </QueryStates>
    </section>
  )
}

function Opened(props: Frame & { opened: OpenedFile; onReload: () => Promise<void> }) {
  const { opened, place } = props
  const [content] = useState(() => textOf(opened.bytes))
  const [text, setText] = useState(content?.text ?? '')
  /** What the container has, as far as is known here. */
  const [saved, setSaved] = useState({ text, version: opened.version })
  const [saving, setSaving] = useState(false)
  const [failure, setFailure] = useState<Error>()
  /** Where to, without what has been changed: '' back to the directory. */
  const [leaving, setLeaving] = useState<string>()
  const router = useRouter()
  const isChanged = text !== saved.text

  const save = async (versionThere: () => Promise<string>): Promise<void> => {
    if (content === undefined) return
    setSaving(true)
    setFailure(undefined)
    try {
      const bytes = bytesOf({ ...content, text })
      const version = await saveFile(place.containerId, opened.path, bytes, await versionThere())
      setSaved({ text, version })
      toast.success(`Saved ${opened.path}`)
    } catch (error) {
      setFailure(error as Error)
    } finally {
      setSaving(false)
    }
  }
  const saveMine = () => void save(() => Promise.resolve(saved.version))
  /** Whatever is there now is what is replaced. */
  const overwrite = () =>
    void save(async () => {
      const { signal } = new AbortController()
      return (await openFile(place.containerId, opened.path, signal)).version
    })
  const canSave = isChanged && !saving
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.key !== 's') return
    event.preventDefault()
    if (canSave) saveMine()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  useLeaveGuard(isChanged, setLeaving)

  return (
    <>
      <Bar
        {...props}
        path={opened.path}
        note={isChanged ? 'not saved' : formatBytes(opened.bytes.length)}
        onClose={() => (isChanged ? setLeaving('') : props.onClose())}
        onSave={content === undefined ? undefined : saveMine}
        canSave={canSave}
        saving={saving}
      />
      {failure !== undefined && (
        <SaveFailure
          failure={failure}
          onOverwrite={overwrite}
          onReload={() => void props.onReload()}
        />
      )}
      {content === undefined ? (
        <Empty
          icon={FileQuestion}
          title="Not a text"
          actions={<Button onClick={props.onDownload}>Download</Button>}
        >
          Its {formatBytes(opened.bytes.length)} are no UTF-8, so they are not shown here.
        </Empty>
      ) : (
        <div className="bg-surface min-h-0 flex-1 overflow-hidden">
          <TextCode name={baseOf(opened.path)} value={text} onChange={setText} />
        </div>
      )}
      {leaving !== undefined && (
        <ConfirmDialog
          open
          onOpenChange={(open) => !open && setLeaving(undefined)}
          title="Close without saving?"
          description={`What you changed in ${baseOf(opened.path)} is lost.`}
          verb="Close without saving"
          onConfirm={() => (leaving === '' ? props.onClose() : router.push(leaving))}
        />
      )}
    </>
  )
}

/** The way back, which file it is, and what can be done with it. */
function Bar(
  props: Frame & {
    note?: string
    onSave?: (() => void) | undefined
    canSave?: boolean
    saving?: boolean
  },
) {
  return (
    <div className="bg-surface flex items-center gap-2 border-b px-3 py-2 sm:px-4">
      <Button
        size="icon-sm"
        variant="ghost"
        aria-label="Back to the directory"
        title="Back to the directory"
        onClick={props.onClose}
      >
        <ArrowLeft aria-hidden />
      </Button>
      <div className="min-w-0 flex-1">
        <h2 className="truncate text-[13px] font-medium" title={props.path}>
          <span className="sm:hidden">{baseOf(props.path)}</span>
          <span className="hidden font-mono sm:inline">{props.path}</span>
        </h2>
        {props.note !== undefined && (
          <p className="text-muted-foreground text-xs" aria-live="polite">
            {props.note}
          </p>
        )}
      </div>
      <Button size="sm" onClick={props.onDownload}>
        <Download aria-hidden /> <span className="max-sm:sr-only">Download</span>
      </Button>
      {props.onSave && (
        <Button
          size="sm"
          variant="primary"
          busy={props.saving === true}
          disabled={props.canSave !== true}
          onClick={props.onSave}
          title="Save (Ctrl+S)"
        >
          {props.saving !== true && <Save aria-hidden />} Save
        </Button>
      )}
    </div>
  )
}

function SaveFailure(props: { failure: Error; onOverwrite: () => void; onReload: () => void }) {
  const { failure } = props
  const isConflict = failure instanceof RequestError && failure.status === 409
  const message = failureText(failure)
  const advice = isConflict ? 'Your text is still here and not saved.' : adviceFor(message)
  return (
    <Notice
      title="It could not be saved"
      className="mx-3 my-2 sm:mx-4"
      actions={
        isConflict && (
          <span className="flex flex-wrap justify-end gap-1.5">
            <Button size="xs" onClick={props.onOverwrite}>
              Overwrite it
            </Button>
            <Button size="xs" variant="ghost" onClick={props.onReload}>
              Load it, losing mine
            </Button>
          </span>
        )
      }
    >
      {message}
      {advice !== undefined && <span className="block">{advice}</span>}
    </Notice>
  )
}
