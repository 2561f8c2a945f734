'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { engine } from '@/components/engine/client.ts'
import { FormDialog } from '@/components/page/form-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input, Textarea } from '@/components/ui/input.tsx'
import { toast } from '@/components/ui/toast.tsx'

export function CreateVolumeDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [labels, setLabels] = useState('')
  const queries = useQueryClient()
  const create = async () => {
    await engine.post('/volumes/create', {}, { Name: name.trim(), Labels: parseLabels(labels) })
    await queries.invalidateQueries({ queryKey: ['volumes'] })
  }
  return (
    <FormDialog
      title="Create a volume"
      description="A folder the engine keeps for containers; it stays when they go."
      verb="Create"
      ready={name.trim() !== ''}
      submit={create}
      onDone={() => {
        toast.success(`Created ${name}`)
        onClose()
      }}
      failureTitle="The volume could not be made"
      onClose={onClose}
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
    </FormDialog>
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
