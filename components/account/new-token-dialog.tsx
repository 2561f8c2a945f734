'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { MadeToken } from '@/server/api/tokens.ts'
import { newTokenSchema, type NewToken } from '@/server/api/schemas/tokens.ts'
import { api } from '@/components/engine/client.ts'
import { FormDialog } from '@/components/page/form-dialog.tsx'
import { useOwnHost } from '@/components/registries/own-host.ts'
import { Button } from '@/components/ui/button.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'

const lives = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'One year' },
  { value: 'never', label: 'Never' },
]

/** Asks what it is for, then shows the token: this once. */
export function NewTokenDialog({ userName, onClose }: { userName: string; onClose: () => void }) {
  const [name, setName] = useState('')
  const [scope, setScope] = useState<NewToken['scope']>('write')
  const [life, setLife] = useState('90')
  const [made, setMade] = useState<MadeToken>()
  const queries = useQueryClient()
  const make = async () => {
    const wanted = newTokenSchema.parse({
      name,
      scope,
      expiresInDays: life === 'never' ? null : Number(life),
    })
    setMade(await api.post<MadeToken>('/api/tokens', wanted))
    await queries.invalidateQueries({ queryKey: ['tokens'] })
  }
  if (made !== undefined) return <Made made={made} userName={userName} onClose={onClose} />
  return (
    <FormDialog
      title="New access token"
      description="It acts in your name, as far as it may."
      verb="Make the token"
      ready={name.trim() !== ''}
      submit={make}
      failureTitle="The token could not be made"
      onClose={onClose}
    >
      <Field label="Name" hint="What it is for, to know it by when it is to be revoked">
        {(control) => (
          <Input
            {...control}
            value={name}
            maxLength={64}
            onChange={(event) => setName(event.target.value)}
            placeholder="ci"
            autoFocus
            required
            autoComplete="off"
          />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="It may"
          hint={
            scope === 'read' ? 'Pull, list and look; nothing else' : 'Whatever you may yourself'
          }
        >
          {(control) => (
            <Select
              {...control}
              value={scope}
              onValueChange={(value) => setScope(value === 'read' ? 'read' : 'write')}
              options={[
                { value: 'write', label: 'Read and write' },
                { value: 'read', label: 'Read only' },
              ]}
            />
          )}
        </Field>
        <Field label="It expires after">
          {(control) => (
            <Select {...control} value={life} onValueChange={setLife} options={lives} />
          )}
        </Field>
      </div>
    </FormDialog>
  )
}

function Made(props: { made: MadeToken; userName: string; onClose: () => void }) {
  const { made, token } = props.made
  const host = useOwnHost()
  const line = `docker login ${host} -u ${props.userName}`
  return (
    <Dialog open onOpenChange={(open) => !open && props.onClose()}>
      <DialogContent
        title={`The token ${made.name}`}
        description="Copy it now: it is not kept, and cannot be shown again."
        // a click beside it must not lose the token
        onInteractOutside={(event) => event.preventDefault()}
        footer={
          <Button variant="primary" onClick={props.onClose}>
            I have copied it
          </Button>
        }
      >
        <div className="flex flex-col gap-4">
          <div className="bg-muted flex items-center gap-2 rounded-md border py-1 pr-1 pl-3">
            <code
              role="group"
              aria-label="Token"
              className="min-w-0 flex-1 font-mono text-[13px] break-all"
            >
              {token}
            </code>
            <CopyButton text={token} label="Copy the token" />
          </div>
          <div>
            <p className="text-muted-foreground mb-1.5 text-[13px]">
              It is the password that this asks for:
            </p>
            <div className="bg-muted flex items-center gap-2 rounded-md border py-1 pr-1 pl-3">
              <code className="min-w-0 flex-1 overflow-x-auto font-mono text-xs whitespace-nowrap">
                {line}
              </code>
              <CopyButton text={line} label="Copy the line" />
            </div>
          </div>
        </div>
      </DialogContent>
    </Dialog>
  )
}
