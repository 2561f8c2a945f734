'use client'
import { useQuery } from '@tanstack/react-query'
import { Hammer } from 'lucide-react'
import { useRouter, useSearchParams } from 'next/navigation'
import { useMemo, useState } from 'react'
import type { BuildRecord } from '@/engine/contract/builds.ts'
import { api } from '@/components/engine/client.ts'
import { Button } from '@/components/ui/button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { formatBytes } from '@/components/ui/format.ts'
import { BuildPanel } from './build-panel.tsx'
import { failurePlace } from './build-words.ts'
import { emptyForm, formFromRecord, type BuildFormState } from './form-state.ts'
import { OptionSection, ResultSection } from './option-section.tsx'
import { PairSection } from './pair-section.tsx'
import { SourceSection } from './source-section.tsx'
import { readForm } from './to-build.ts'
import { useBegin } from './use-begin.ts'

/** Asks for a build; with `?from=ID` as one on record was asked for. */
export function BuildForm() {
  const query = useSearchParams()
  const from = query.get('from')
  const record = useQuery({
    queryKey: ['build', from],
    queryFn: ({ signal }) => api.get<BuildRecord>(`/api/builds/${from ?? ''}`, signal),
    enabled: from !== null,
    staleTime: Infinity,
  })
  if (from === null) return <Form start={emptyForm} previous={null} />
  if (record.data) return <Form start={formFromRecord(record.data)} previous={record.data} />
  if (record.isPending) return <SkeletonRows label="Loading the build" />
  return (
    <>
      <Notice kind="warning" title="The build to begin from is not on record" className="m-4 mb-0">
        {record.error?.message}
      </Notice>
      <Form start={emptyForm} previous={null} />
    </>
  )
}

function Form({ previous, start }: { start: BuildFormState; previous: BuildRecord | null }) {
  const router = useRouter()
  const [form, setForm] = useState(start)
  const [tried, setTried] = useState(false)
  const begin = useBegin()
  const { build, errors } = readForm(form)
  const shown = tried ? errors : {}
  const change = (part: Partial<BuildFormState>) => setForm((before) => ({ ...before, ...part }))
  const submit = () => {
    setTried(true)
    if (build === undefined) return
    void begin.run(build, form).then((id) => {
      if (id !== undefined)
        router.push(`/builds/${id}${form.output === 'image' ? '' : `?output=${form.output}`}`)
    })
  }
  // what was wrong is marked for as long as the text is the one that was built
  const isSameText = form.dockerfileText === start.dockerfileText
  const failure = isSameText ? previous?.failure : undefined
  const fault = useMemo(
    () => (failure?.location ? { ...failure.location, message: failure.message } : null),
    [failure],
  )
  return (
    <form
      noValidate
      aria-label="Build"
      className="mx-auto flex max-w-6xl flex-col gap-3 p-3 md:p-4"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <h1 className="text-base font-semibold">Build an image</h1>
      {previous?.failure && isSameText && (
        <Notice
          title={`It failed before${previous.failure.location ? ` at ${failurePlace(previous) ?? ''}` : ''}`}
        >
          {previous.failure.message}
        </Notice>
      )}
      <div className="grid items-start gap-3 lg:grid-cols-[1fr_20rem]">
        <div className="flex min-w-0 flex-col gap-3">
          <SourceSection form={form} change={change} errors={shown} fault={fault} />
          <ResultSection form={form} change={change} errors={shown} />
          <OptionSection form={form} change={change} errors={shown} />
          <PairSection
            title="Build arguments"
            hint="ARG of the Dockerfile; paste many lines into a name at once"
            noun="argument"
            rows={form.args}
            onChange={(args) => change({ args })}
            error={shown['buildArgs'] ?? shown['args']}
          />
          <PairSection
            title="Labels"
            hint="Of the image"
            noun="label"
            rows={form.labels}
            onChange={(labels) => change({ labels })}
            error={shown['labels']}
          />
          <PairSection
            title="Secrets"
            hint="For RUN --mount=type=secret,id=…; kept nowhere"
            noun="secret"
            rows={form.secrets}
            onChange={(secrets) => change({ secrets })}
            error={shown['secrets']}
            secret
          />
        </div>
        <BuildPanel
          build={build}
          output={form.output}
          problem={tried ? Object.values(errors).find((words) => words !== undefined) : undefined}
          failure={begin.failure}
        >
          {begin.sending !== undefined && <Sending {...begin.sending} onStop={begin.stop} />}
          <Button type="submit" variant="primary" busy={begin.busy}>
            <Hammer aria-hidden /> Build
          </Button>
        </BuildPanel>
      </div>
    </form>
  )
}

function Sending(props: { sent: number; total: number; onStop: () => void }) {
  const { onStop, sent, total } = props
  return (
    <div className="mb-2 flex flex-col gap-1.5">
      <Progress label="Upload" value={total === 0 ? null : (100 * sent) / total} />
      <div className="flex items-center gap-2">
        <p className="text-muted-foreground tabular min-w-0 flex-1 text-xs" aria-live="polite">
          {sent < total
            ? `${formatBytes(sent)} of ${formatBytes(total)} sent`
            : 'Sent; the engine unpacks it…'}
        </p>
        <Button size="xs" onClick={onStop}>
          Cancel
        </Button>
      </div>
    </div>
  )
}
