'use client'
import { useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'

const MIN_PASSWORD = 8

/** The first start: makes the account that may do everything, and signs it in. */
export function SetupForm() {
  const [name, setName] = useState('admin')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [left, setLeft] = useState(false)
  const action = useAction()
  const short = password !== '' && password.length < MIN_PASSWORD
  const different = again !== '' && again !== password
  return (
    <form
      // sent before the page has woken up, the password is not to stand in the address
      method="post"
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault()
        if (short || password !== again) return
        void action.run(async () => {
          await api.post('/api/setup', { name, password })
          window.location.assign('/')
        })
      }}
    >
      <div>
        <h1 className="text-base font-semibold">Welcome</h1>
        <p className="text-muted-foreground mt-1 text-sm">
          Make the first account. It may do everything on this host.
        </p>
      </div>
      <Field label="Name">
        {(control) => (
          <Input
            {...control}
            name="username"
            autoComplete="username"
            autoCapitalize="off"
            required
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field
        label="Password"
        hint={`At least ${MIN_PASSWORD} characters`}
        error={
          short && left
            ? `At least ${MIN_PASSWORD} characters; these are ${password.length}`
            : undefined
        }
      >
        {(control) => (
          <Input
            {...control}
            name="password"
            type="password"
            autoComplete="new-password"
            autoFocus
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            onBlur={() => setLeft(true)}
          />
        )}
      </Field>
      <Field label="Password again" error={different ? 'Not the same as above' : undefined}>
        {(control) => (
          <Input
            {...control}
            name="password-again"
            type="password"
            autoComplete="new-password"
            required
            value={again}
            onChange={(event) => setAgain(event.target.value)}
          />
        )}
      </Field>
      {action.failure !== undefined && (
        <Notice title="The account could not be made">{action.failure}</Notice>
      )}
      <Button type="submit" variant="primary" busy={action.busy} disabled={short || different}>
        Create the account
      </Button>
    </form>
  )
}
