'use client'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { RegistryCheck } from '@/engine/contract/distribution.ts'
import type { KnownRegistry } from '@/server/api/registries.ts'
import type { NewRegistry } from '@/server/api/schemas/registry.ts'
import { api } from '@/components/engine/client.ts'
import { FormDialog } from '@/components/page/form-dialog.tsx'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { CheckNotice } from './check-notice.tsx'
import { LoginFields, type LoginDraft, loginOf, STORED } from './login-fields.tsx'
import { registryPath } from './use-registries.ts'

/** Adds a registry, or changes one; what is stored of secrets never comes back, so leaving it alone is a choice. */
export function RegistryDialog(props: {
  registry?: KnownRegistry
  /** `registry` only fills the form in. */
  isNew?: boolean
  onClose: () => void
}) {
  const { onClose, registry } = props
  const stored = props.isNew === true ? undefined : registry
  const [address, setAddress] = useState(registry?.host ?? '')
  const [name, setName] = useState(
    registry === undefined || registry.name === registry.host ? '' : registry.name,
  )
  const [login, setLogin] = useState<LoginDraft>({
    kind: stored === undefined ? 'password' : STORED,
    username: '',
    password: '',
    token: '',
    helper: '',
  })
  const [check, setCheck] = useState<RegistryCheck>()
  const testing = useAction()
  const queries = useQueryClient()

  const test = () =>
    void testing.run(async () => {
      setCheck(undefined)
      setCheck(
        await api.post<RegistryCheck>('/api/registries/check', { address, login: loginOf(login) }),
      )
    })
  const save = async () => {
    if (stored === undefined) {
      const body: NewRegistry = { address, name, login: loginOf(login) ?? { kind: 'none' } }
      await api.post('/api/registries', body)
    } else {
      await api.patch(registryPath(stored.host), { name, login: loginOf(login) })
    }
    await queries.invalidateQueries({ queryKey: ['registries'] })
  }
  const change = (next: LoginDraft) => {
    setLogin(next)
    setCheck(undefined)
  }
  const isNobody = login.kind === 'none' || (login.kind === STORED && stored?.kind === 'none')
  return (
    <FormDialog
      title={stored === undefined ? 'Add a registry' : `Change ${stored.name}`}
      description="Its password is kept encrypted on this host and never sent back to a browser. Everyone who may use this console pulls and pushes with it."
      className="max-w-xl"
      verb={stored === undefined ? 'Add' : 'Save'}
      ready={address.trim() !== ''}
      submit={save}
      onDone={() => {
        toast.success(stored === undefined ? `Added ${address.trim()}` : 'Saved')
        onClose()
      }}
      failureTitle="It could not be saved"
      extra={
        <Button
          className="mr-auto"
          busy={testing.busy}
          disabled={address.trim() === ''}
          onClick={test}
        >
          Test
        </Button>
      }
      onClose={onClose}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Address" hint="As in image names: ghcr.io, registry.example.com:5000">
          {(control) => (
            <Input
              {...control}
              value={address}
              onChange={(event) => {
                setAddress(event.target.value)
                setCheck(undefined)
              }}
              disabled={registry !== undefined}
              autoFocus={registry === undefined}
              required
              spellCheck={false}
              autoCapitalize="off"
              autoComplete="off"
            />
          )}
        </Field>
        <Field label="Name" hint="How it is called here; empty for its address">
          {(control) => (
            <Input
              {...control}
              value={name}
              maxLength={64}
              onChange={(event) => setName(event.target.value)}
              autoComplete="off"
            />
          )}
        </Field>
      </div>
      <LoginFields value={login} onChange={change} stored={stored} />
      {testing.failure !== undefined && (
        <Notice title="It could not be tried">{testing.failure}</Notice>
      )}
      {check !== undefined && <CheckNotice check={check} anonymous={isNobody} />}
    </FormDialog>
  )
}
