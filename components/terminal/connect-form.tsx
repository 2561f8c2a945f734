'use client'
import { Plug, SquareTerminal } from 'lucide-react'
import { useState, type FormEvent } from 'react'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardBody, CardHeader } from '@/components/ui/card.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'
import { splitWords } from '@/server/api/shell-words.ts'
import type { TerminalTab } from './tabs-store.ts'

const SHELLS = [
  { value: 'auto', label: 'Best shell there is', hint: 'bash, zsh, ash, sh' },
  { value: '/bin/bash', label: 'bash' },
  { value: '/bin/zsh', label: 'zsh' },
  { value: '/bin/ash', label: 'ash' },
  { value: '/bin/sh', label: 'sh' },
  { value: 'custom', label: 'Other command…' },
]

/** How to enter the container: a new process in it, or its own one. */
export function ConnectForm(props: {
  /** Whom the container runs as. */
  defaultUser: string
  defaultWorkdir: string
  openStdin: boolean
  tty: boolean
  onConnect: (request: TerminalTab['request']) => void
}) {
  return (
    <div className="mx-auto grid w-full max-w-4xl gap-4 p-4 lg:grid-cols-[3fr_2fr]">
      <ExecCard {...props} />
      <Card>
        <CardHeader title="Attach" />
        <CardBody className="text-muted-foreground flex flex-col items-start gap-3 text-[13px]">
          <p>
            Joins the container&apos;s own process: you see what it prints from now on
            {props.openStdin
              ? ', and what you type goes to its input.'
              : '. Its input is closed, so typing does nothing.'}
          </p>
          {props.openStdin && (
            <p>
              Closing the tab detaches and leaves it running. Ctrl+C goes to the process and may end
              the container{props.tty ? '' : ' only if it listens for it'}.
            </p>
          )}
          <Button onClick={() => props.onConnect({ kind: 'attach' })}>
            <Plug aria-hidden /> Attach
          </Button>
        </CardBody>
      </Card>
    </div>
  )
}

function ExecCard(props: {
  defaultUser: string
  defaultWorkdir: string
  onConnect: (request: TerminalTab['request']) => void
}) {
  const [shell, setShell] = useState('auto')
  const [command, setCommand] = useState('')
  const [user, setUser] = useState('')
  const [workdir, setWorkdir] = useState('')
  const [error, setError] = useState<string | undefined>()

  const connect = (event: FormEvent) => {
    event.preventDefault()
    try {
      const words = shell === 'custom' ? splitWords(command) : shell === 'auto' ? [] : [shell]
      if (shell === 'custom' && words.length === 0) throw new Error('Say which command to run')
      setError(undefined)
      props.onConnect({
        kind: 'exec',
        ...(words.length > 0 ? { command: words } : {}),
        ...(user.trim() !== '' ? { user: user.trim() } : {}),
        ...(workdir.trim() !== '' ? { workdir: workdir.trim() } : {}),
      })
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem))
    }
  }

  return (
    <Card>
      <CardHeader title="Shell in the container" />
      <CardBody>
        <form onSubmit={connect} className="flex flex-col gap-4">
          <Field label="Shell">
            {(control) => (
              <Select {...control} value={shell} onValueChange={setShell} options={SHELLS} />
            )}
          </Field>
          {shell === 'custom' && (
            <Field
              label="Command"
              error={error}
              hint="Words are split as in a shell; quotes keep them together."
            >
              {(control) => (
                <Input
                  {...control}
                  autoFocus
                  className="font-mono text-[13px]"
                  placeholder="python3 -i"
                  value={command}
                  onChange={(event) => setCommand(event.target.value)}
                />
              )}
            </Field>
          )}
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="User" hint="Name or number, also user:group">
              {(control) => (
                <Input
                  {...control}
                  autoCapitalize="off"
                  placeholder={props.defaultUser || 'root'}
                  value={user}
                  onChange={(event) => setUser(event.target.value)}
                />
              )}
            </Field>
            <Field label="Working directory">
              {(control) => (
                <Input
                  {...control}
                  autoCapitalize="off"
                  placeholder={props.defaultWorkdir || '/'}
                  value={workdir}
                  onChange={(event) => setWorkdir(event.target.value)}
                />
              )}
            </Field>
          </div>
          <Button type="submit" variant="primary" className="self-start">
            <SquareTerminal aria-hidden /> Connect
          </Button>
        </form>
      </CardBody>
    </Card>
  )
}
