'use client'
import { useState } from 'react'
import { parseDockerRun } from '@/server/api/docker-run.ts'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Textarea } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { failureText } from '@/components/engine/client.ts'
import type { DeployForm } from './form-state.ts'
import { formOf } from './from-deploy.ts'

/** Fills the form from a `docker run` line, and says which of its flags the form has no field for. */
export function PasteDialog({
  onForm,
  onClose,
}: {
  onForm: (form: DeployForm) => void
  onClose: () => void
}) {
  const [line, setLine] = useState('')
  const [failure, setFailure] = useState<string>()
  const [ignored, setIgnored] = useState<string[]>([])
  const take = () => {
    try {
      const pasted = parseDockerRun(line)
      onForm(formOf(pasted.deploy))
      setFailure(undefined)
      if (pasted.ignored.length === 0) onClose()
      else setIgnored(pasted.ignored)
    } catch (error) {
      setFailure(failureText(error))
    }
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title="Paste a docker run line"
        description="The form is filled in with what the line says."
        footer={
          ignored.length > 0 ? (
            <Button variant="primary" onClick={onClose}>
              To the form
            </Button>
          ) : (
            <>
              <Button onClick={onClose}>Cancel</Button>
              <Button variant="primary" onClick={take} disabled={line.trim() === ''}>
                Fill in
              </Button>
            </>
          )
        }
      >
        {ignored.length === 0 ? (
          <div className="flex flex-col gap-3">
            <Field label="Line">
              {(control) => (
                <Textarea
                  {...control}
                  autoFocus
                  rows={5}
                  spellCheck={false}
                  placeholder="docker run -d -p 8080:80 nginx:1.27"
                  value={line}
                  onChange={(event) => setLine(event.target.value)}
                />
              )}
            </Field>
            {failure !== undefined && <Notice title="The line cannot be read">{failure}</Notice>}
          </div>
        ) : (
          <Notice kind="warning" title="Filled in, but for these">
            <ul className="font-mono">
              {ignored.map((flag) => (
                <li key={flag}>{flag}</li>
              ))}
            </ul>
          </Notice>
        )}
      </DialogContent>
    </Dialog>
  )
}
