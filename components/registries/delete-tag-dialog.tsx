'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, RequestError } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { ConfirmDialog } from '@/components/ui/alert-dialog.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { OWN } from './use-registries.ts'
import { imagePath, useRegistryImage } from './use-registry-image.ts'

/**
 * Deletes the tag; in the registry of this host with what nothing else needs. Where another registry cannot, the manifest
 * with every tag that names it, once that is agreed to.
 */
export function DeleteTagDialog(props: {
  host: string
  repository: string
  tag: string
  /** As soon as it is gone, before the lists have been read again. */
  onDeleted: () => void
  onClose: () => void
}) {
  const { host, onClose, repository, tag } = props
  const [refusal, setRefusal] = useState<string>()
  const action = useAction()
  const queries = useQueryClient()
  const image = useRegistryImage(host, repository, tag, true)
  const digest = image.data?.digest
  const remove = async () => {
    if (refusal === undefined) await api.delete(imagePath(host, repository, tag))
    else if (digest !== undefined) await api.delete(imagePath(host, repository, digest))
    toast.success(`Deleted ${repository}:${tag}`)
    props.onDeleted()
    await queries.invalidateQueries({ queryKey: [host === OWN ? 'images' : 'registries'] })
  }
  const attempt = async () => {
    try {
      await remove()
    } catch (error) {
      // not offered for tags: the same button then asks for the manifest
      if (refusal === undefined && error instanceof RequestError && error.status === 501) {
        setRefusal(error.message)
        return
      }
      throw error
    }
    onClose()
  }
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete ${repository}:${tag}?`}
      description={
        host === OWN
          ? 'It is taken out of this host’s registry with all that no other tag and no container needs, and its name from the image here. Containers made from it run on.'
          : 'It is deleted at the registry, for everyone who pulls from there.'
      }
      verb={refusal === undefined ? 'Delete tag' : 'Delete manifest and all its tags'}
      busy={action.busy}
      disabled={refusal !== undefined && digest === undefined}
      onConfirm={() => void action.run(attempt)}
    >
      {refusal !== undefined && (
        <Notice kind="warning" title="This registry does not delete a tag by itself">
          <p>{refusal}</p>
          <p className="mt-1">
            The manifest can be deleted instead, and with it every other tag that names it:
          </p>
          <p className="mt-1 font-mono text-xs break-all">{digest ?? 'its digest is not known'}</p>
        </Notice>
      )}
      {action.failure !== undefined && (
        <Notice title="It could not be deleted">{action.failure}</Notice>
      )}
    </ConfirmDialog>
  )
}
