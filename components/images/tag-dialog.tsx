'use client'
import { useQueryClient } from '@tanstack/react-query'
import { Tag } from 'lucide-react'
import { useState } from 'react'
import { engine } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import type { ActedImage } from './image-dialogs.tsx'
import { imageName, tagsOf } from './image-name.ts'
import { TakenTag } from './taken-tag.tsx'

/** Gives an image one more name. */
export function TagDialog({ image, onClose }: { image: ActedImage; onClose: () => void }) {
  const [target, setTarget] = useState('')
  const action = useAction()
  const queries = useQueryClient()
  const give = async () => {
    const { repo, tag } = splitTag(target)
    await engine.post(`/images/${encodeURIComponent(image.Id)}/tag`, { repo, tag })
    await queries.invalidateQueries({ queryKey: ['images'] })
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title={`Tag ${imageName(image)}`}
        description="One more name for the same image; nothing is copied."
        footer={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button
              type="submit"
              form="tag"
              variant="primary"
              busy={action.busy}
              disabled={target.trim() === ''}
            >
              <Tag aria-hidden /> Add the tag
            </Button>
          </>
        }
      >
        <form
          id="tag"
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault()
            void action.run(give, () => {
              toast.success(`Tagged ${target.trim()}`)
              onClose()
            })
          }}
        >
          <Field label="New tag" hint="Like app:2.1 or registry.local:5000/team/app:2.1">
            {(control) => (
              <Input
                {...control}
                value={target}
                onChange={(event) => setTarget(event.target.value)}
                autoFocus
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
              />
            )}
          </Field>
          <TakenTag target={target} image={image} />
          {tagsOf(image).length > 0 && (
            <p className="flex flex-wrap items-center gap-1.5 text-[13px]">
              <span className="text-muted-foreground">It has</span>
              {tagsOf(image).map((tag) => (
                <Badge key={tag}>{tag}</Badge>
              ))}
            </p>
          )}
          {action.failure !== undefined && (
            <Notice title="The tag could not be added">{action.failure}</Notice>
          )}
        </form>
      </DialogContent>
    </Dialog>
  )
}

/** As the engine takes them; without a tag it is `latest`. */
function splitTag(target: string): { repo: string; tag: string | undefined } {
  const text = target.trim()
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  if (colon === -1) return { repo: text, tag: undefined }
  return { repo: text.slice(0, colon), tag: text.slice(colon + 1) }
}
