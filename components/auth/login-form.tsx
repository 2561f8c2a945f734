'use client'
import { useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'

export function LoginForm({ next }: { next: string }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const action = useAction()
  return (
    <form
      // sent before the page has woken up, the password is not to stand in the address
      method="post"
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        void action.run(async () => {
          await api.post('/api/session', { name, password })
          // A full load: nothing of what was shown before signing in stays in memory.
          window.location.assign(next)
        })
      }}
    >
      <h1 className="text-base font-semibold">Sign in</h1>
      <Field label="Name">
        {(control) => (
          <Input
            {...control}
            name="username"
            autoComplete="username"
            autoCapitalize="off"
            autoFocus
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Password">
        {(control) => (
          <Input
            {...control}
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
      {action.failure !== undefined && (
        <Notice title="You are not signed in">{action.failure}</Notice>
      )}
      <Button type="submit" variant="primary" busy={action.busy}>
        Sign in
      </Button>
    </form>
  )
}
