'use client'
import { useId } from 'react'
import type { KnownRegistry } from '@/server/api/registries.ts'
import type { NewRegistry } from '@/server/api/schemas/registry.ts'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'
import { useRegistries } from './use-registries.ts'

/** What is stored stays. */
export const STORED = 'stored'

export interface LoginDraft {
  kind: NewRegistry['login']['kind'] | typeof STORED
  username: string
  password: string
  token: string
  helper: string
}

/** What the draft says; undefined for what is stored. */
export function loginOf(draft: LoginDraft): NewRegistry['login'] | undefined {
  const { helper, kind, password, token, username } = draft
  switch (kind) {
    case STORED:
      return undefined
    case 'none':
      return { kind }
    case 'password':
      return { kind, username, password }
    case 'token':
      return { kind, token }
    case 'helper':
      return { kind, helper }
  }
}

const kinds: { value: LoginDraft['kind']; label: string }[] = [
  { value: 'password', label: 'User name and password or token' },
  { value: 'token', label: 'Identity token' },
  { value: 'helper', label: 'Credential helper on this host' },
  { value: 'none', label: 'Nothing: anonymous' },
]

export function LoginFields(props: {
  value: LoginDraft
  onChange: (value: LoginDraft) => void
  stored: KnownRegistry | undefined
}) {
  const { onChange, stored, value } = props
  const helpers = useRegistries().data?.helpers ?? []
  const listId = useId()
  const set = (change: Partial<LoginDraft>) => onChange({ ...value, ...change })
  const options =
    stored === undefined
      ? kinds
      : [{ value: STORED, label: `Keep: ${storedWords(stored)}` }, ...kinds]
  return (
    <>
      <Field label="Sign in with">
        {(control) => (
          <Select
            {...control}
            value={value.kind}
            onValueChange={(kind) => set({ kind: kind as LoginDraft['kind'] })}
            options={options}
          />
        )}
      </Field>
      {value.kind === 'password' && (
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="User name">
            {(control) => (
              <Input
                {...control}
                value={value.username}
                onChange={(event) => set({ username: event.target.value })}
                required
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
              />
            )}
          </Field>
          <Field label="Password or token">
            {(control) => (
              <Input
                {...control}
                type="password"
                value={value.password}
                onChange={(event) => set({ password: event.target.value })}
                required
                autoComplete="new-password"
              />
            )}
          </Field>
        </div>
      )}
      {value.kind === 'token' && (
        <Field
          label="Identity token"
          hint="A refresh token of the registry’s token server, as docker login gets one"
        >
          {(control) => (
            <Input
              {...control}
              type="password"
              value={value.token}
              onChange={(event) => set({ token: event.target.value })}
              required
              autoComplete="new-password"
            />
          )}
        </Field>
      )}
      {value.kind === 'helper' && (
        <Field
          label="Helper"
          hint={
            helpers.length === 0
              ? 'None is on this host: docker-credential-NAME is looked for in PATH and in GANTRY_CREDENTIAL_HELPERS'
              : `docker-credential-NAME: ${helpers.join(', ')}`
          }
        >
          {(control) => (
            <>
              <Input
                {...control}
                list={listId}
                value={value.helper}
                onChange={(event) => set({ helper: event.target.value })}
                placeholder="pass"
                required
                spellCheck={false}
                autoCapitalize="off"
                autoComplete="off"
              />
              <datalist id={listId}>
                {helpers.map((helper) => (
                  <option key={helper} value={helper} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      )}
    </>
  )
}

function storedWords({ helper, kind, username }: KnownRegistry): string {
  switch (kind) {
    case 'none':
      return 'nothing, anonymous'
    case 'password':
      return username === '' ? 'the stored password' : `the password of ${username}`
    case 'token':
      return 'the stored identity token'
    case 'helper':
      return `docker-credential-${helper}`
  }
}
