'use client'
import { ClipboardPaste, Rocket } from 'lucide-react'
import { useSearchParams } from 'next/navigation'
import { useMemo, useState } from 'react'
import { api } from '@/components/engine/client.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { useAction } from '@/components/page/use-action.ts'
import { Button } from '@/components/ui/button.tsx'
import { Checkbox } from '@/components/ui/checkbox.tsx'
import { Field } from '@/components/ui/field.tsx'
import { Input } from '@/components/ui/input.tsx'
import { CommandSection } from './command-section.tsx'
import { DeployProgress } from './deploy-progress.tsx'
import { EnvSection } from './env-section.tsx'
import { formFromQuery, type DeployForm as Form } from './form-state.ts'
import { ImageField } from './image-field.tsx'
import { PasteDialog } from './paste-dialog.tsx'
import { PortSection } from './port-section.tsx'
import { prefill } from './prefill.ts'
import { portProblem, publishedPorts } from './published-ports.ts'
import { Section } from './rows.tsx'
import { RunSection } from './run-section.tsx'
import { SidePanel } from './side-panel.tsx'
import { readForm } from './to-deploy.ts'
import { useImageConfig } from './use-image-config.ts'
import { VolumeSection } from './volume-section.tsx'

/** From an image to a running container: the form, then the progress of what it asks for. */
export function DeployForm() {
  const query = useSearchParams()
  const [form, setForm] = useState<Form>(() => formFromQuery(new URLSearchParams(query)))
  const [tried, setTried] = useState(false)
  const [pasting, setPasting] = useState(false)
  const [jobId, setJobId] = useState<string>()
  const submit = useAction()
  const { data: containers } = useTopic('containers')
  const known = useImageConfig(form.image)
  const taken = useMemo(() => publishedPorts(containers ?? []), [containers])
  const { deploy, errors } = useMemo(() => readForm(form), [form])
  const change = (part: Partial<Form>) => setForm((before) => ({ ...before, ...part }))
  const names = new Set((containers ?? []).flatMap((each) => each.Names ?? []))
  const nameTaken = names.has(`/${form.name}`)
    ? `${form.name} is the name of another container`
    : undefined
  const portsTaken = form.ports.some((row) => portProblem(row, form.ports, taken) !== undefined)
  const image = known.state === 'here' ? known.image : undefined

  // The image tells its ports and volumes once for each image chosen, and never over what was typed.
  const [filledFor, setFilledFor] = useState<string>()
  if (image !== undefined && containers !== undefined && filledFor !== form.image) {
    setFilledFor(form.image)
    setForm(prefill(form, image, new Set(taken.keys())))
  }

  const shown = tried ? errors : {}
  const begin = () => {
    setTried(true)
    if (deploy === undefined || nameTaken !== undefined || portsTaken) return
    void submit.run(async () => {
      setJobId((await api.post<{ jobId: string }>('/api/deploy', deploy)).jobId)
    })
  }

  if (jobId !== undefined)
    return <DeployProgress jobId={jobId} onBack={() => setJobId(undefined)} />
  return (
    <form
      noValidate
      aria-label="Deploy"
      className="mx-auto flex max-w-6xl flex-col gap-3 p-3 md:p-4"
      onSubmit={(event) => {
        event.preventDefault()
        begin()
      }}
    >
      <div className="flex items-center gap-3">
        <h1 className="text-base font-semibold">Deploy a container</h1>
        <Button size="sm" className="ml-auto" onClick={() => setPasting(true)}>
          <ClipboardPaste aria-hidden /> Paste docker run
        </Button>
      </div>
      <div className="grid items-start gap-3 lg:grid-cols-[1fr_20rem]">
        <div className="flex min-w-0 flex-col gap-3">
          <Section title="Image and name">
            <div className="grid gap-4 sm:grid-cols-2">
              <ImageField
                value={form.image}
                onChange={(value) => change({ image: value })}
                known={known}
                error={shown.image}
              />
              <Field label="Name" hint="Empty: one is made up" error={nameTaken ?? shown.name}>
                {(control) => (
                  <Input
                    {...control}
                    value={form.name}
                    onChange={(event) => change({ name: event.target.value })}
                    spellCheck={false}
                    autoCapitalize="off"
                  />
                )}
              </Field>
            </div>
            <Registry form={form} change={change} />
          </Section>
          <PortSection
            ports={form.ports}
            onChange={(ports) => change({ ports })}
            taken={taken}
            errors={shown}
          />
          <EnvSection
            env={form.env}
            onChange={(env) => change({ env })}
            fromImage={image?.Config?.Env ?? []}
            errors={shown}
          />
          <VolumeSection
            volumes={form.volumes}
            onChange={(volumes) => change({ volumes })}
            errors={shown}
          />
          <RunSection form={form} change={change} errors={shown} />
          <CommandSection form={form} change={change} errors={shown} config={image?.Config} />
        </div>
        <SidePanel
          deploy={deploy}
          failure={submit.failure}
          problem={problemOf(tried, errors, nameTaken, portsTaken)}
        >
          <Button
            type="submit"
            variant="primary"
            busy={submit.busy}
            disabled={form.image.trim() === ''}
          >
            <Rocket aria-hidden /> Deploy
          </Button>
        </SidePanel>
      </div>
      {pasting && (
        <PasteDialog
          onClose={() => setPasting(false)}
          onForm={(pasted) => {
            // A line says all it wants published: the image's own ports are not added to it.
            setFilledFor(pasted.image)
            setForm(pasted)
          }}
        />
      )}
    </form>
  )
}

function Registry({ form, change }: { form: Form; change: (part: Partial<Form>) => void }) {
  return (
    <details>
      <summary className="text-muted-foreground cursor-pointer rounded-sm text-[13px]">
        Registry
      </summary>
      <div className="mt-3 grid gap-4 sm:grid-cols-2">
        <Field label="Registry user">
          {(control) => (
            <Input
              {...control}
              autoComplete="off"
              value={form.registryUser}
              onChange={(event) => change({ registryUser: event.target.value })}
            />
          )}
        </Field>
        <Field label="Registry password or token">
          {(control) => (
            <Input
              {...control}
              type="password"
              autoComplete="new-password"
              value={form.registryPassword}
              onChange={(event) => change({ registryPassword: event.target.value })}
            />
          )}
        </Field>
        <label className="flex items-center gap-2.5 text-sm sm:col-span-2">
          <Checkbox
            checked={form.alwaysPull}
            onCheckedChange={(on) => change({ alwaysPull: on === true })}
          />
          Look for a newer image even when one is here
        </label>
      </div>
    </details>
  )
}

function problemOf(
  tried: boolean,
  errors: Partial<Record<string, string>>,
  nameTaken: string | undefined,
  portsTaken: boolean,
): string | undefined {
  if (nameTaken !== undefined) return nameTaken
  if (portsTaken) return 'A port is taken or wrong: see Ports.'
  if (!tried) return undefined
  return Object.values(errors).find((message) => message !== undefined)
}
