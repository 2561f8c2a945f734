'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { engine } from '@/components/engine/client.ts'
import { FormDialog } from '@/components/page/form-dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Switch } from '@/components/ui/switch.tsx'
import { toast } from '@/components/ui/toast.tsx'

export function CreateNetworkDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [subnet, setSubnet] = useState('')
  const [gateway, setGateway] = useState('')
  const [internal, setInternal] = useState(false)
  const queries = useQueryClient()
  const switchId = useId()
  const create = async () => {
    const range = {
      ...(subnet === '' ? {} : { Subnet: subnet }),
      ...(gateway === '' ? {} : { Gateway: gateway }),
    }
    await engine.post(
      '/networks/create',
      {},
      {
        Name: name.trim(),
        Driver: 'bridge',
        Internal: internal,
        ...(subnet === '' ? {} : { IPAM: { Config: [range] } }),
      },
    )
    await queries.invalidateQueries({ queryKey: ['networks'] })
  }
  return (
    <FormDialog
      title="Create a network"
      description="Containers in it find each other by name; those outside cannot reach them."
      verb="Create"
      ready={name.trim() !== ''}
      submit={create}
      onDone={() => {
        toast.success(`Created ${name}`)
        onClose()
      }}
      failureTitle="The network could not be made"
      onClose={onClose}
    >
      <Field label="Name">
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
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Subnet" hint="Empty: a free one is chosen">
          {(control) => (
            <Input
              {...control}
              placeholder="10.20.0.0/24"
              value={subnet}
              onChange={(event) => setSubnet(event.target.value.trim())}
            />
          )}
        </Field>
        <Field
          label="Gateway"
          hint="Empty: its first address"
          error={gateway !== '' && subnet === '' ? 'A gateway needs its subnet' : undefined}
        >
          {(control) => (
            <Input
              {...control}
              placeholder="10.20.0.1"
              value={gateway}
              onChange={(event) => setGateway(event.target.value.trim())}
            />
          )}
        </Field>
      </div>
      <div className="flex items-start gap-3">
        <Switch id={switchId} checked={internal} onCheckedChange={setInternal} />
        <label htmlFor={switchId} className="text-sm">
          Internal
          <span className="text-muted-foreground block text-xs">
            Its containers cannot reach the world outside.
          </span>
        </label>
      </div>
    </FormDialog>
  )
}
