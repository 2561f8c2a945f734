'use client'
import { useId } from 'react'
import type { ImageConfig } from '@/engine/types/docker.ts'
import { quoteWord } from '@/server/api/shell-words.ts'
import { Field } from '@/components/ui/field.tsx'
import { Input, Textarea } from '@/components/ui/input.tsx'
import { Switch } from '@/components/ui/switch.tsx'
import type { DeployForm } from './form-state.ts'
import { Section } from './rows.tsx'

/** What runs inside; empty fields leave what the image says, which stands in them greyed. */
export function CommandSection(props: {
  form: DeployForm
  change: (part: Partial<DeployForm>) => void
  errors: Partial<Record<string, string>>
  config: ImageConfig | undefined
}) {
  const { form, change, errors, config } = props
  const switchId = useId()
  const words = (list: string[] | undefined) => list?.map(quoteWord).join(' ') ?? ''
  return (
    <Section title="Command and identity" hint="Empty: as the image has it">
      <Field
        label="Command"
        error={errors.command}
        hint="Words as in a shell; quotes keep blanks together"
      >
        {(control) => (
          <Input
            {...control}
            className="font-mono text-[13px]"
            spellCheck={false}
            placeholder={words(config?.Cmd)}
            value={form.command}
            onChange={(event) => change({ command: event.target.value })}
          />
        )}
      </Field>
      <details>
        <summary className="text-muted-foreground cursor-pointer rounded-sm text-[13px]">
          Advanced
        </summary>
        <div className="mt-3 grid gap-4 sm:grid-cols-2">
          <Field label="Entrypoint" error={errors.entrypoint}>
            {(control) => (
              <Input
                {...control}
                className="font-mono text-[13px]"
                spellCheck={false}
                placeholder={words(config?.Entrypoint)}
                value={form.entrypoint}
                onChange={(event) => change({ entrypoint: event.target.value })}
              />
            )}
          </Field>
          <Field label="User" error={errors.user}>
            {(control) => (
              <Input
                {...control}
                spellCheck={false}
                placeholder={
                  config?.User === undefined || config.User === '' ? 'root' : config.User
                }
                value={form.user}
                onChange={(event) => change({ user: event.target.value })}
              />
            )}
          </Field>
          <Field label="Working directory" error={errors.workdir}>
            {(control) => (
              <Input
                {...control}
                spellCheck={false}
                placeholder={
                  config?.WorkingDir === undefined || config.WorkingDir === ''
                    ? '/'
                    : config.WorkingDir
                }
                value={form.workdir}
                onChange={(event) => change({ workdir: event.target.value })}
              />
            )}
          </Field>
          <Field label="Host name" error={errors.hostname}>
            {(control) => (
              <Input
                {...control}
                spellCheck={false}
                placeholder="its short ID"
                value={form.hostname}
                onChange={(event) => change({ hostname: event.target.value })}
              />
            )}
          </Field>
          <Field
            label="Labels"
            hint="key=value, one on each line"
            error={errors.labels}
            className="sm:col-span-2"
          >
            {(control) => (
              <Textarea
                {...control}
                value={form.labels}
                onChange={(event) => change({ labels: event.target.value })}
              />
            )}
          </Field>
          <div className="flex items-start gap-3 sm:col-span-2">
            <Switch id={switchId} checked={form.tty} onCheckedChange={(tty) => change({ tty })} />
            <label htmlFor={switchId} className="text-sm">
              A terminal for its main process
              <span className="text-muted-foreground block text-xs">
                For shells and programs that want one (-it).
              </span>
            </label>
          </div>
        </div>
      </details>
    </Section>
  )
}
