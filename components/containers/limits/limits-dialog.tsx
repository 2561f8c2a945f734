'use client'
import { useQuery } from '@tanstack/react-query'
import { useId, useState, type FormEvent, type ReactNode } from 'react'
import type {
  ContainerInspectResponse,
  ContainerStatsResponse,
  ContainerUpdateResponse,
} from '@/engine/types/docker.ts'
import { engine } from '@/components/engine/client.ts'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Dialog, DialogContent } from '@/components/ui/dialog.tsx'
import { Field } from '@/components/ui/field.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { Input } from '@/components/ui/input.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { Select } from '@/components/ui/select.tsx'
import { toast } from '@/components/ui/toast.tsx'
import { limitRefusal } from './limit-refusal.ts'
import {
  limitsFormOf,
  limitsUpdateOf,
  UNLIMITED,
  type LimitField,
  type LimitsForm,
} from './limits-form.ts'

const restarts = [
  { value: 'no', label: 'Never' },
  { value: 'on-failure', label: 'When it fails' },
  { value: 'unless-stopped', label: 'Unless stopped' },
  { value: 'always', label: 'Always' },
]

/** Changes what a container may use while it runs. It is done when the engine says so; what is refused stands at its field. */
export function LimitsDialog(props: {
  container: ContainerInspectResponse
  /** @param warnings what of it this host cannot limit */
  onDone: (warnings: string[]) => void
  onClose: () => void
}) {
  const { container } = props
  const id = container.Id ?? ''
  const running = container.State?.Running === true
  /** What it had when the dialog was opened: what others change meanwhile is not taken back. */
  const [host] = useState(container.HostConfig ?? {})
  const [form, setForm] = useState<LimitsForm>(() => limitsFormOf(host))
  const action = useAction()
  const usage = useUsage(id, running)
  const formId = useId()
  const { errors, update } = limitsUpdateOf(form, host)
  const refusal = action.failure === undefined ? undefined : limitRefusal(action.failure)
  const isReady = Object.keys(errors).length === 0 && Object.keys(update).length > 0
  const change = (part: Partial<LimitsForm>) => {
    setForm({ ...form, ...part })
    action.forget()
  }
  const errorOf = (field: LimitField) =>
    errors[field] ?? (refusal?.field === field ? refusal.words : undefined)

  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isReady) return
    let warnings: string[] = []
    void action.run(
      async () => {
        const path = `/containers/${id}/update`
        const answer = await engine.post<ContainerUpdateResponse>(path, {}, update)
        warnings = answer.Warnings ?? []
      },
      () => {
        toast.success(running ? 'The new limits hold now' : 'They hold from its next start')
        props.onDone(warnings)
      },
    )
  }
  const field = (
    name: Exclude<LimitField, 'restart'>,
    label: string,
    hint: ReactNode,
    more: { placeholder?: string; inputMode?: 'decimal' | 'numeric'; disabled?: boolean } = {},
  ) => (
    <Field label={label} hint={hint} error={errorOf(name)}>
      {(control) => (
        <Input
          {...control}
          placeholder="no limit"
          {...more}
          value={form[name]}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => change({ [name]: event.target.value.trim() })}
        />
      )}
    </Field>
  )
  const inUse = (value: string | undefined) => (value === undefined ? '' : ` ${value} in use now.`)
  const neverRestarts = host.AutoRemove === true

  return (
    <Dialog open onOpenChange={(open) => !open && props.onClose()}>
      <DialogContent
        title="Limits and restarts"
        description={
          running
            ? 'They hold at once; the container runs on. All that is changed is taken, or nothing.'
            : 'The container does not run: they hold from its next start.'
        }
        className="max-w-2xl"
        footer={
          <>
            <Button onClick={props.onClose}>Cancel</Button>
            <Button
              type="submit"
              form={formId}
              variant="primary"
              busy={action.busy}
              disabled={!isReady}
            >
              Apply
            </Button>
          </>
        }
      >
        <form id={formId} onSubmit={submit} className="flex flex-col gap-5">
          <Group title="Memory">
            {field('memory', 'Memory', `Like 512m or 2g.${inUse(usage?.memory)}`)}
            {field('swap', 'Swap beside it', `A size, 0 for none, or ${UNLIMITED}`, {
              placeholder: form.memory === '' ? 'no limit' : 'as much as memory',
              disabled: form.memory === '',
            })}
            {field('reservation', 'Reserved', 'Kept for it when the host runs short', {
              placeholder: 'nothing',
            })}
          </Group>
          <Group title="CPU">
            {field('cpus', 'Cores', 'Like 1.5', { inputMode: 'decimal' })}
            {field('shares', 'Weight', 'Against the others, when all are busy; 1024 is usual', {
              inputMode: 'numeric',
              placeholder: '1024',
            })}
            {field('cpuset', 'Only on CPUs', 'Like 0-2,4', { placeholder: 'all' })}
          </Group>
          <Group title="Processes and restarts">
            {field('pids', 'Processes', `Threads count, too.${inUse(usage?.pids)}`, {
              inputMode: 'numeric',
            })}
            <Field
              label="Restart"
              error={errorOf('restart')}
              hint={
                neverRestarts
                  ? 'It is removed when it ends (--rm)'
                  : 'What happens when it ends by itself'
              }
            >
              {(control) => (
                <Select
                  {...control}
                  value={form.restart}
                  disabled={neverRestarts}
                  onValueChange={(restart) => change({ restart: restart as LimitsForm['restart'] })}
                  options={restarts}
                />
              )}
            </Field>
            {form.restart === 'on-failure' &&
              field('retries', 'Restarts at most', 'Empty: as often as it takes', {
                inputMode: 'numeric',
              })}
          </Group>
          {refusal !== undefined && (
            <Notice title="Nothing has been changed">
              {refusal.field === undefined
                ? refusal.words
                : 'What was refused is told at its field; the others are as they were, too.'}
            </Notice>
          )}
        </form>
      </DialogContent>
    </Dialog>
  )
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset>
      <legend className="mb-2.5 text-sm font-semibold">{title}</legend>
      <div className="grid gap-4 sm:grid-cols-3">{children}</div>
    </fieldset>
  )
}

/** What it uses as the dialog opens: how low a limit may go. */
function useUsage(id: string, running: boolean): { memory?: string; pids?: string } | undefined {
  const query = useQuery({
    queryKey: ['usage', id],
    enabled: running,
    gcTime: 0,
    queryFn: ({ signal }) =>
      engine.get<ContainerStatsResponse>(
        `/containers/${id}/stats`,
        { stream: false, 'one-shot': true },
        signal,
      ),
  })
  const memory = query.data?.memory_stats?.usage
  const pids = query.data?.pids_stats?.current
  return {
    ...(typeof memory === 'number' ? { memory: formatBytes(memory) } : {}),
    ...(typeof pids === 'number' ? { pids: String(pids) } : {}),
  }
}
