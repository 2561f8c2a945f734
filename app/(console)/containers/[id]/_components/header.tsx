'use client'
import { TriangleAlert } from 'lucide-react'
import Link from 'next/link'
import { useState } from 'react'
import { RemoveDialog } from '@/components/containers/remove-dialog.tsx'
import { Ports } from '@/components/containers/ports.tsx'
import { StateDot } from '@/components/containers/state-dot.tsx'
import { useVerbs } from '@/components/containers/use-verbs.ts'
import { imageHref } from '@/components/images/image-name.ts'
import { DeployButton } from '@/components/images/deploy-button.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Notice } from '@/components/ui/notice.tsx'
import { useNow } from '@/components/ui/use-now.ts'
import { Actions } from './actions.tsx'
import { useContainer } from './container-provider.tsx'
import { RenameDialog } from './rename-dialog.tsx'
import { nameOf, stateViewOf, summaryOf } from './summary.ts'
import { decodeExit } from './why.ts'

/** Which container this is, how it is, and what can be done with it. */
export function ContainerHeader() {
  const { container, id, removed } = useContainer()
  const verbs = useVerbs()
  const [asking, setAsking] = useState<'remove' | 'rename' | null>(null)
  const name = nameOf(container)
  const summary = summaryOf(container)
  const failure = verbs.failures.get(id)
  const published = (summary.Ports ?? []).filter((port) => port.PublicPort !== undefined)
  return (
    <header className="bg-surface shrink-0 px-3 pt-3 pb-1.5 sm:px-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1 basis-64">
          <div className="flex min-w-0 flex-wrap items-center gap-x-2.5 gap-y-1">
            <h1 className="truncate text-lg font-semibold">{name}</h1>
            <State />
          </div>
          <div className="text-muted-foreground mt-1 flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 text-[13px]">
            <Link
              href={imageHref(container.Image ?? '')}
              className="text-link truncate underline-offset-4 hover:underline"
              title="Image"
            >
              {container.Config?.Image}
            </Link>
            <DeployButton
              image={container.Config?.Image ?? ''}
              compact
              variant="ghost"
              size="icon-sm"
              className="-mx-2 -my-1 size-6"
            />
            {!removed && published.length > 0 && <Ports ports={published} />}
          </div>
        </div>
        {removed ? (
          <Button asChild size="sm">
            <Link href="/containers">All containers</Link>
          </Button>
        ) : (
          <Actions
            container={container}
            pending={verbs.pending.get(id)}
            onVerb={(verb) => void verbs.run(verb, [{ id, name }])}
            onAsk={setAsking}
          />
        )}
      </div>
      {removed && (
        <Notice kind="info" title="Removed" className="mt-2">
          The container is gone; this is what was last known of it.
        </Notice>
      )}
      {failure !== undefined && (
        <Notice
          title={failure}
          className="mt-2"
          actions={
            <Button size="xs" variant="ghost" onClick={() => verbs.dismiss(id)}>
              Dismiss
            </Button>
          }
        />
      )}
      {asking === 'remove' && (
        <RemoveDialog
          containers={[summary]}
          onClose={() => setAsking(null)}
          onRemove={(options) => {
            setAsking(null)
            void verbs.run('remove', [{ id, name }], options)
          }}
        />
      )}
      {asking === 'rename' && <RenameDialog id={id} name={name} onClose={() => setAsking(null)} />}
    </header>
  )
}

function State() {
  const { container, removed } = useContainer()
  const now = useNow()
  if (removed) return <Badge tone="bad">Removed</Badge>
  const view = stateViewOf(container, now)
  const state = container.State ?? {}
  const ended = state.Status === 'exited' || state.Status === 'restarting'
  const health = state.Running === true ? state.Health?.Status : undefined
  return (
    <span className="flex flex-wrap items-center gap-2 text-sm" role="status">
      <span className="inline-flex items-center gap-1.5 font-medium">
        <StateDot view={view} />
        {ended || health === undefined || health === 'none'
          ? view.word.replace(/ \(.*/, '')
          : 'Running'}
      </span>
      {health !== undefined && health !== 'none' && (
        <Badge tone={health === 'healthy' ? 'ok' : health === 'unhealthy' ? 'bad' : 'warn'}>
          {health === 'unhealthy' && <TriangleAlert className="size-3" aria-hidden />}
          {health}
        </Badge>
      )}
      <span className="tabular text-muted-foreground">
        {ended
          ? `${decodeExit(state.ExitCode ?? 0, state.OOMKilled === true).short}, ${view.detail.split(', ').at(-1) ?? ''}`
          : view.detail}
      </span>
    </span>
  )
}
