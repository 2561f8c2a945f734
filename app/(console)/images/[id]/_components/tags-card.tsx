'use client'
import { useQueryClient } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { useState } from 'react'
import { engine, failureText } from '@/components/engine/client.ts'
import { ImageDialog, type ImageAction } from '@/components/images/image-dialogs.tsx'
import { tagsOf } from '@/components/images/image-name.ts'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardBody, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { useImage } from './image-provider.tsx'

/** Its names: one more is given, one of several taken away and given back; the last goes with the image. */
export function TagsCard() {
  const { image, removed, users } = useImage()
  const queries = useQueryClient()
  const [asking, setAsking] = useState<ImageAction | null>(null)
  const tags = tagsOf(image)
  const again = () => queries.invalidateQueries({ queryKey: ['images'] })
  const giveBack = async (tag: string) => {
    const colon = tag.lastIndexOf(':')
    await engine.post(`/images/${encodeURIComponent(image.Id)}/tag`, {
      repo: tag.slice(0, colon),
      tag: tag.slice(colon + 1),
    })
    await again()
  }
  const untag = async (tag: string) => {
    if (tags.length === 1) {
      setAsking('remove')
      return
    }
    try {
      await engine.delete(`/images/${encodeURI(tag)}`)
      await again()
      toast.success(`Removed the tag ${tag}`, {
        action: {
          label: 'Undo',
          onClick: () => {
            giveBack(tag).catch((error: unknown) => toast.error(failureText(error)))
          },
        },
      })
    } catch (error) {
      toast.error(failureText(error))
    }
  }
  return (
    <Card>
      <CardHeader
        title="Tags"
        actions={
          !removed && (
            <Button size="xs" onClick={() => setAsking('tag')}>
              <Plus aria-hidden /> Add
            </Button>
          )
        }
      />
      {tags.length === 0 ? (
        <CardBody className="text-muted-foreground text-sm">
          None: a tag that it had names another image now, or it was made without.
        </CardBody>
      ) : (
        <ul className="divide-y text-sm">
          {tags.map((tag) => (
            <li key={tag} className="flex items-center gap-1 px-4 py-1">
              <span className="min-w-0 flex-1 break-all">{tag}</span>
              <CopyButton text={tag} label={`Copy ${tag}`} className="size-7" />
              {!removed && (
                <Button
                  size="icon-sm"
                  variant="ghost"
                  className="size-7"
                  aria-label={`Remove the tag ${tag}`}
                  title="Remove the tag"
                  onClick={() => void untag(tag)}
                >
                  <X aria-hidden />
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {asking !== null && (
        <ImageDialog
          action={asking}
          image={{ Id: image.Id, RepoTags: tags, Size: image.Size ?? 0 }}
          users={users}
          onClose={() => setAsking(null)}
        />
      )}
    </Card>
  )
}
