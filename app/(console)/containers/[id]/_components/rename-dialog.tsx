'use client'
import { useState, type FormEvent } from 'react'
import { engine } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogClose, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** Gives the container another name; it goes on running. */
export function RenameDialog(props: { id: string; name: string; onClose: () => void }) {
  const [name, setName] = useState(props.name)
  const action = useAction()
  const wrong = NAME.test(name)
    ? undefined
    : 'At least two characters: letters, digits, _ . and -, beginning with a letter or digit'
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void action.run(() => engine.post(`/containers/${props.id}/rename`, { name }), props.onClose)
  }
  return (
    <Dialog open onOpenChange={(open) => !open && props.onClose()}>
      <DialogContent
        title={`Rename ${props.name}`}
        description="Other containers on its networks find it under the new name."
        footer={
          <>
            <DialogClose asChild>
              <Button>Cancel</Button>
            </DialogClose>
            <Button
              type="submit"
              form="rename"
              variant="primary"
              busy={action.busy}
              disabled={wrong !== undefined || name === props.name}
            >
              Rename
            </Button>
          </>
        }
      >
        <form id="rename" onSubmit={submit}>
          <Field label="New name" error={action.failure ?? (name === '' ? undefined : wrong)}>
            {(control) => (
              <Input
                {...control}
                autoFocus
                autoComplete="off"
                spellCheck={false}
                value={name}
                onChange={(event) => {
                  setName(event.target.value.trim())
                  action.forget()
                }}
                onFocus={(event) => event.target.select()}
              />
            )}
          </Field>
        </form>
      </DialogContent>
    </Dialog>
  )
}
