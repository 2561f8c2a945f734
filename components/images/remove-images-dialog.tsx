'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { inParallel } from '@/components/containers/verbs.ts'
import { failureText } from '@/components/engine/client.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { ScrollList } from '@/components/ui/scroll-list.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { imageName, tagsOf, uniqueBytes } from './image-name.ts'
import type { ImageRow } from './image-order.ts'
import { removeImage } from './remove-image.ts'

const AT_ONCE = 4

/** Removes several images with all their tags; those that containers stand on are left out. */
export function RemoveImagesDialog(props: {
  rows: ImageRow[]
  onRemoved: () => void
  onClose: () => void
}) {
  const { rows, onClose, onRemoved } = props
  const queries = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [failures, setFailures] = useState<ReadonlyMap<string, string>>(new Map())
  const unused = rows.filter(({ users }) => users.length === 0)
  const inUse = rows.length - unused.length
  const remove = async () => {
    setBusy(true)
    const failed = new Map<string, string>()
    await inParallel(unused, AT_ONCE, async ({ image }) => {
      await removeImage(image).catch((error: unknown) => failed.set(image.Id, failureText(error)))
    })
    await queries.invalidateQueries({ queryKey: ['images'] })
    setBusy(false)
    setFailures(failed)
    if (failed.size > 0) return
    toast.success(`Removed ${count(unused.length, 'image')}`)
    onRemoved()
    onClose()
  }
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Remove ${count(unused.length, 'image')}?`}
      description={`With all their tags. Layers that other images share stay; at least ${formatBytes(unused.reduce((sum, { image }) => sum + uniqueBytes(image), 0))} are freed.`}
      verb={`Remove ${count(unused.length, 'image')}`}
      busy={busy}
      disabled={unused.length === 0}
      onConfirm={() => void remove()}
    >
      {inUse > 0 && (
        <Notice
          kind="warning"
          title={`${count(inUse, 'image')} in use ${inUse === 1 ? 'stays' : 'stay'}`}
        >
          Containers use {inUse === 1 ? 'it' : 'them'}: remove those first.
        </Notice>
      )}
      {unused.length > 0 && (
        <ScrollList
          aria-label="To be removed"
          className="bg-muted max-h-64 divide-y rounded-md border px-3 text-sm"
        >
          {unused.map(({ image }) => (
            <li key={image.Id} className="flex flex-col py-1.5">
              <span className="flex items-center justify-between gap-3">
                <span className="min-w-0 wrap-anywhere">
                  {imageName(image)}
                  {tagsOf(image).length > 1 && (
                    <span className="text-muted-foreground">
                      {' '}
                      and {count(tagsOf(image).length - 1, 'more tag')}
                    </span>
                  )}
                </span>
                <span className="text-muted-foreground shrink-0 text-xs">
                  {formatBytes(image.Size)}
                </span>
              </span>
              {failures.has(image.Id) && (
                <span className="text-bad text-xs">{failures.get(image.Id)}</span>
              )}
            </li>
          ))}
        </ScrollList>
      )}
      {failures.size > 0 && (
        <Notice title={`${count(failures.size, 'image')} could not be removed`}>
          The engine’s words stand beside each.
        </Notice>
      )}
    </ConfirmDialog>
  )
}
