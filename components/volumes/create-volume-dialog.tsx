'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { engine } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input, Textarea } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'

export function CreateVolumeDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [labels, setLabels] = useState('')
  const action = useAction()
  const queries = useQueryClient()
  const create = async () => {
    await engine.post('/volumes/create', {}, { Name: name.trim(), Labels: parseLabels(labels) })
    await queries.invalidateQueries({ queryKey: ['volumes'] })
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()}>
      <DialogContent
        title="Create a volume"
        description="A folder the engine keeps for containers; it stays when they go."
        footer={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button
              type="submit"
              form="create-volume"
              variant="primary"
              busy={action.busy}
              disabled={name.trim() === ''}
            >
              Create
            </Button>
          </>
        }
      >
        <form
          id="create-volume"
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault()
            void action.run(create, () => {
              toast.success(`Created ${name}`)
              onClose()
            })
          }}
        >
          <Field label="Name" hint="Letters, digits, _ . and -">
            {(control) => (
              <Input
                {...control}
                value={name}
                onChange={(event) => setName(event.target.value)}
                autoFocus
                required
                spellCheck={false}
              />
            )}
          </Field>
          <Field label="Labels" hint="key=value, one on each line">
            {(control) => (
              <Textarea
                {...control}
                value={labels}
                onChange={(event) => setLabels(event.target.value)}
              />
            )}
          </Field>
          {action.failure !== undefined && (
            <Notice title="The volume could not be made">{action.failure}</Notice>
          )}
        </form>
      </DialogContent>
    </Dialog>
  )
}

function parseLabels(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => line.trim())
  return Object.fromEntries(
    lines
      .filter((line) => line !== '')
      .map((line) => {
        const at = line.indexOf('=')
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
      }),
  )
}
