'use client'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'

export interface Auth {
  username: string
  password: string
}

export const noAuth: Auth = { username: '', password: '' }

/** As a request takes it: nothing when no name was given, and then what is stored for the registry is used. */
export function authOf(auth: Auth): { auth?: Auth } {
  return auth.username === '' ? {} : { auth }
}

/** Name and password for one pull or push; kept nowhere. */
export function AuthFields({ auth, onChange }: { auth: Auth; onChange: (auth: Auth) => void }) {
  return (
    <details>
      <summary className="text-muted-foreground cursor-pointer rounded-sm text-[13px]">
        With a user name and password for this once
      </summary>
      <div className="mt-3 grid gap-3 sm:grid-cols-2">
        <Field label="User name">
          {(control) => (
            <Input
              {...control}
              autoComplete="off"
              value={auth.username}
              onChange={(event) => onChange({ ...auth, username: event.target.value })}
            />
          )}
        </Field>
        <Field label="Password or token">
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="off"
              value={auth.password}
              onChange={(event) => onChange({ ...auth, password: event.target.value })}
            />
          )}
        </Field>
      </div>
    </details>
  )
}
