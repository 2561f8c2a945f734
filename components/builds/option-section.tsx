'use client'
import { Section } from '@/components/deploy/rows.tsx'
import { useNetworks } from '@/components/networks/use-networks.ts'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input, Textarea } from '@/components/ui/input.tsx'
import { Select } from '@/components/ui/select.tsx'
import { isOutput } from './output.ts'
import type { SectionProps } from './source-section.tsx'

const outputs = [
  { value: 'image', label: 'Image on this host' },
  { value: 'local', label: 'Its files, as a tar to download (type=local)' },
  { value: 'tar', label: 'Its files, as a tar to download (type=tar)' },
  { value: 'oci', label: 'OCI archive to download (type=oci)' },
]

/** What the result is called and what becomes of it. */
export function ResultSection({ change, errors, form }: SectionProps) {
  return (
    <Section title="Result">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label="Tags"
          hint="One a line, like app:1.4; empty: an image without a name"
          error={errors['tags']}
        >
          {(control) => (
            <Textarea
              {...control}
              rows={2}
              className="min-h-9"
              value={form.tags}
              spellCheck={false}
              autoCapitalize="off"
              onChange={(event) => change({ tags: event.target.value })}
            />
          )}
        </Field>
        <Field
          label="Output"
          hint={
            form.output === 'image'
              ? undefined
              : 'Downloaded when it is done; the image stays too, until it is pruned'
          }
        >
          {(control) => (
            <Select
              {...control}
              value={form.output}
              onValueChange={(output) => isOutput(output) && change({ output })}
              options={outputs}
            />
          )}
        </Field>
      </div>
    </Section>
  )
}

/** How it is built. */
export function OptionSection({ change, errors, form }: SectionProps) {
  const networks = useNetworks()
  const names = [
    ...new Set([
      'host',
      'none',
      ...(networks.data ?? []).map(({ Name = '' }) => Name),
      ...(form.network === 'default' ? [] : [form.network]),
    ]),
  ].filter((name) => name !== '')
  return (
    <Section title="Options">
      <div className="grid gap-4 sm:grid-cols-2">
        {form.source !== 'dockerfile' && (
          <Field
            label="Path of the Dockerfile"
            hint="In the context; empty: Dockerfile"
            error={errors['dockerfile']}
          >
            {(control) => (
              <Input
                {...control}
                value={form.dockerfile}
                spellCheck={false}
                autoCapitalize="off"
                onChange={(event) => change({ dockerfile: event.target.value })}
              />
            )}
          </Field>
        )}
        <Field label="Target stage" hint="Empty: the last one" error={errors['target']}>
          {(control) => (
            <Input
              {...control}
              value={form.target}
              spellCheck={false}
              autoCapitalize="off"
              onChange={(event) => change({ target: event.target.value })}
            />
          )}
        </Field>
        <Field label="Platform" hint="Empty: this host’s" error={errors['platform']}>
          {(control) => (
            <Input
              {...control}
              value={form.platform}
              placeholder="linux/amd64"
              spellCheck={false}
              autoCapitalize="off"
              onChange={(event) => change({ platform: event.target.value })}
            />
          )}
        </Field>
        <Field label="Network of RUN" error={errors['network']}>
          {(control) => (
            <Select
              {...control}
              value={form.network}
              onValueChange={(network) => change({ network })}
              options={[
                { value: 'default', label: 'Default' },
                ...names.map((name) => ({ value: name, label: name })),
              ]}
            />
          )}
        </Field>
        <label className="flex items-center gap-2.5 text-sm">
          <Checkbox
            checked={form.noCache}
            onCheckedChange={(on) => change({ noCache: on === true })}
          />
          Carry out every step again (no cache)
        </label>
        <label className="flex items-center gap-2.5 text-sm">
          <Checkbox checked={form.pull} onCheckedChange={(on) => change({ pull: on === true })} />
          Look for newer base images (pull)
        </label>
      </div>
    </Section>
  )
}
