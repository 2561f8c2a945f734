'use client'
import { useQueryClient } from '@tanstack/react-query'
import { Tag } from 'lucide-react'
import { useState } from 'react'
import { engine } from '@/components/engine/client.ts'
import { FormDialog } from '@/components/page/form-dialog.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { toast } from '@/components/ui/toast.tsx'
import type { ActedImage } from './image-dialogs.tsx'
import { imageName, tagsOf } from './image-name.ts'
import { TakenTag } from './taken-tag.tsx'

/** Gives an image one more name. */
export function TagDialog({ image, onClose }: { image: ActedImage; onClose: () => void }) {
  const [target, setTarget] = useState('')
  const queries = useQueryClient()
  const give = async () => {
    const { repo, tag } = splitTag(target)
    await engine.post(`/images/${encodeURIComponent(image.Id)}/tag`, { repo, tag })
    await queries.invalidateQueries({ queryKey: ['images'] })
  }
  return (
    <FormDialog
      title={`Tag ${imageName(image)}`}
      description="One more name for the same image; nothing is copied."
      verb={
        <>
          <Tag aria-hidden /> Add the tag
        </>
      }
      ready={target.trim() !== ''}
      submit={give}
      onDone={() => {
        toast.success(`Tagged ${target.trim()}`)
        onClose()
      }}
      failureTitle="The tag could not be added"
      onClose={onClose}
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
    </FormDialog>
  )
}

/** As the engine takes them; without a tag it is `latest`. */
function splitTag(target: string): { repo: string; tag: string | undefined } {
  const text = target.trim()
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  if (colon === -1) return { repo: text, tag: undefined }
  return { repo: text.slice(0, colon), tag: text.slice(colon + 1) }
}
