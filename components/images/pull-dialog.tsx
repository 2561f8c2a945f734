'use client'
import { useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { JobDialog } from '@/components/jobs/job-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { AuthFields, authOf, noAuth } from './auth-fields.tsx'
import { DeployButton } from './deploy-button.tsx'

/** Asks for a name, then shows a bar per layer. The pull goes on when the dialog is closed: see Activity. */
export function PullDialog({ onClose }: { onClose: () => void }) {
  const [image, setImage] = useState('')
  const [auth, setAuth] = useState(noAuth)
  const begin = async () => {
    const { jobId } = await api.post<{ jobId: string }>('/api/pull', {
      image: image.trim(),
      ...authOf(auth),
    })
    return jobId
  }
  return (
    <JobDialog
      title="Pull an image"
      description="From Docker Hub, or from another registry by its host name."
      verb="Pull"
      ready={image.trim() !== ''}
      begin={begin}
      failureTitle="The pull could not begin"
      next={(job) => <DeployButton image={job.title} variant="primary" size="md" />}
      onClose={onClose}
    >
      <Field
        label="Image"
        hint="Like nginx:1.27, ghcr.io/owner/name:tag or registry.local:5000/app@sha256:…"
      >
        {(control) => (
          <Input
            {...control}
            value={image}
            onChange={(event) => setImage(event.target.value)}
            autoFocus
            required
            spellCheck={false}
            autoCapitalize="off"
          />
        )}
      </Field>
      <AuthFields auth={auth} onChange={setAuth} />
    </JobDialog>
  )
}
