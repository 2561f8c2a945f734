'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ContainerSummary } from '@/engine/types/docker.ts'
import { shortId } from '@/components/containers/container-name.ts'
import { ConfirmAction } from '@/components/page/confirm-action.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import type { ActedImage } from './image-dialogs.tsx'
import { tagsOf } from './image-name.ts'
import { removeImage } from './remove-image.ts'

/** Removes tags of an image; with its last tag the image itself goes. */
export function RemoveImageDialog(props: {
  image: ActedImage
  users: ContainerSummary[]
  onClose: () => void
}) {
  const { image, users, onClose } = props
  const tags = tagsOf(image)
  const [chosen, setChosen] = useState<string[]>(tags)
  const queries = useQueryClient()
  const whole = chosen.length === tags.length
  const name = tags[0] ?? shortId(image.Id)
  return (
    <ConfirmAction
      title={`Remove ${tags.length > 1 ? count(tags.length, 'tag') : name}?`}
      description={
        whole
          ? `Frees up to ${formatBytes(image.Size)}; layers that other images share stay.`
          : 'The image itself stays, as other tags name it.'
      }
      verb={whole ? 'Remove image' : `Remove ${count(chosen.length, 'tag')}`}
      disabled={tags.length > 0 && chosen.length === 0}
      act={async () => {
        await removeImage(image, chosen)
        await queries.invalidateQueries({ queryKey: ['images'] })
        return `Removed ${whole ? name : count(chosen.length, 'tag')}`
      }}
      onClose={onClose}
    >
      {tags.length > 1 && (
        <ul className="flex flex-col gap-1.5">
          {tags.map((tag) => (
            <li key={tag}>
              <label className="flex items-center gap-2.5 text-sm">
                <Checkbox
                  checked={chosen.includes(tag)}
                  onCheckedChange={(on) =>
                    setChosen(
                      on === true ? [...chosen, tag] : chosen.filter((each) => each !== tag),
                    )
                  }
                />
                {tag}
              </label>
            </li>
          ))}
        </ul>
      )}
      {users.length > 0 && (
        <Notice kind="warning" title={`Used by ${count(users.length, 'container')}`}>
          The engine refuses to remove an image in use. Remove these first:{' '}
          <UsedBy containers={users} />
        </Notice>
      )}
    </ConfirmAction>
  )
}
