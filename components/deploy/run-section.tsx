'use client'
import { useNetworks } from '@/components/networks/use-networks.ts'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'
import type { DeployForm } from './form-state.ts'
import { Section } from './rows.tsx'

type Change = (part: Partial<DeployForm>) => void
type Errors = Partial<Record<string, string>>

const restarts = [
  { value: 'unless-stopped', label: 'Unless stopped' },
  { value: 'always', label: 'Always' },
  { value: 'on-failure', label: 'When it fails' },
  { value: 'no', label: 'Never' },
]

/** How it runs: network, restarts, limits. */
export function RunSection({
  form,
  change,
  errors,
}: {
  form: DeployForm
  change: Change
  errors: Errors
}) {
  const networks = useNetworks()
  const names = [
    ...new Set([
      'bridge',
      'host',
      'none',
      ...(networks.data ?? []).map((network) => network.Name ?? ''),
      form.network,
    ]),
  ]
  return (
    <Section title="Network, restarts and limits">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Network" error={errors.network} hint={networkHint(form.network)}>
          {(control) => (
            <Select
              {...control}
              value={form.network}
              onValueChange={(network) => change({ network })}
              options={names
                .filter((name) => name !== '')
                .map((name) => ({ value: name, label: name }))}
            />
          )}
        </Field>
        <Field label="Restart" error={errors.restart} hint="What happens when it ends by itself">
          {(control) => (
            <Select
              {...control}
              value={form.restart}
              onValueChange={(restart) => change({ restart: restart as DeployForm['restart'] })}
              options={restarts}
            />
          )}
        </Field>
        {form.restart === 'on-failure' && (
          <Field label="Restarts at most" error={errors.retries} hint="Empty: as often as it takes">
            {(control) => (
              <Input
                {...control}
                value={form.retries}
                inputMode="numeric"
                onChange={(event) => change({ retries: event.target.value.trim() })}
              />
            )}
          </Field>
        )}
      </div>
      <div className="grid gap-4 sm:grid-cols-3">
        <Field label="Memory limit" error={errors.memory} hint="Like 256m or 2g; empty: none">
          {(control) => (
            <Input
              {...control}
              value={form.memory}
              placeholder="no limit"
              onChange={(event) => change({ memory: event.target.value.trim() })}
            />
          )}
        </Field>
        <Field label="CPU limit" error={errors.cpus} hint="In cores, like 1.5">
          {(control) => (
            <Input
              {...control}
              value={form.cpus}
              placeholder="no limit"
              inputMode="decimal"
              onChange={(event) => change({ cpus: event.target.value.trim() })}
            />
          )}
        </Field>
        <Field label="Process limit" error={errors.pids} hint="Guards against fork bombs">
          {(control) => (
            <Input
              {...control}
              value={form.pids}
              placeholder="no limit"
              inputMode="numeric"
              onChange={(event) => change({ pids: event.target.value.trim() })}
            />
          )}
        </Field>
      </div>
    </Section>
  )
}

function networkHint(network: string): string {
  if (network === 'host') return 'The host’s own network: no isolation, ports are not published'
  if (network === 'none') return 'No network at all'
  return network === 'bridge'
    ? 'The default: reaches the outside'
    : 'Finds the others in it by name'
}
