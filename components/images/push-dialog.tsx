'use client'
import { CloudUpload } from 'lucide-react'
import { useId, useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { JobDialog } from '@/components/jobs/job-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { AuthFields, authOf, noAuth } from './auth-fields.tsx'
import type { ActedImage } from './image-dialogs.tsx'
import { imageName, imageReference, namesRegistry, tagsOf } from './image-name.ts'
import { TakenTag } from './taken-tag.tsx'

/** Asks where to, then shows a bar per layer. The push goes on when the dialog is closed: see Activity. */
export function PushDialog({ image, onClose }: { image: ActedImage; onClose: () => void }) {
  const tags = tagsOf(image)
  const [target, setTarget] = useState(tags.find(namesRegistry) ?? tags[0] ?? '')
  const [auth, setAuth] = useState(noAuth)
  const listId = useId()
  const begin = async () => {
    const { jobId } = await api.post<{ jobId: string }>('/api/push', {
      image: imageReference(image),
      target: target.trim(),
      ...authOf(auth),
    })
    return jobId
  }
  return (
    <JobDialog
      title={`Push ${imageName(image)}`}
      description="Sends the layers that the registry does not have yet."
      verb={
        <>
          <CloudUpload aria-hidden /> Push
        </>
      }
      ready={target.trim() !== ''}
      begin={begin}
      failureTitle="The push could not begin"
      onClose={onClose}
    >
      <Field
        label="Push as"
        hint={
          namesRegistry(target)
            ? 'The registry is the part before the first slash.'
            : 'Without a registry’s host in front it goes to Docker Hub.'
        }
      >
        {(control) => (
          <Input
            {...control}
            list={listId}
            value={target}
            onChange={(event) => setTarget(event.target.value)}
            placeholder="registry.local:5000/team/app:2.1"
            autoFocus
            required
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
          />
        )}
      </Field>
      <datalist id={listId}>
        {tags.map((tag) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
      <TakenTag target={target} image={image} />
      <AuthFields auth={auth} onChange={setAuth} />
    </JobDialog>
  )
}
