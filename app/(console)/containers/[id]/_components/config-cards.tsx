'use client'
import { Eye, EyeOff, SlidersHorizontal } from 'lucide-react'
import dynamic from 'next/dynamic'
import { useState, type ReactNode } from 'react'
import { quoteWord } from '@/server/api/shell-words.ts'
import { makerOf } from '@/components/callers/caller-words.ts'
import { runLineOf } from '@/components/containers/run-line.ts'
import { Facts } from '@/components/page/facts.tsx'
import { compareNames } from '@/components/page/list-order.ts'
import { PairsCard } from '@/components/page/pairs-card.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardBody, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { useContainer } from './container-provider.tsx'

const LimitsDialog = dynamic(() =>
  import('@/components/containers/limits/limits-dialog.tsx').then((module) => module.LimitsDialog),
)

/** What runs in it and how. */
export function ConfigCard() {
  const { container, id } = useContainer()
  const config = container.Config ?? {}
  const host = container.HostConfig ?? {}
  const command = [container.Path ?? '', ...(container.Args ?? [])].filter((word) => word !== '')
  const restart = host.RestartPolicy
  const most = restart?.MaximumRetryCount ?? 0
  const runLine = runLineOf(container)
  return (
    <Card>
      <CardHeader
        title="Configuration"
        actions={
          <CopyButton text={runLine} label="Copy docker run" variant="secondary" title={runLine}>
            Copy docker run
          </CopyButton>
        }
      />
      <CardBody>
        <Facts
          facts={[
            ['Command', command.length > 0 && <Code>{command.map(quoteWord).join(' ')}</Code>],
            [
              'Image ID',
              <Code key="image">{container.Image?.replace('sha256:', '').slice(0, 12)}</Code>,
            ],
            [
              'ID',
              <span key="id" className="flex items-center gap-1">
                <Code>{id.slice(0, 12)}</Code>
                <CopyButton text={id} label="Copy the ID" className="size-6" />
              </span>,
            ],
            [
              'Created',
              container.Created && <Age since={Date.parse(container.Created)} suffix=" ago" />,
            ],
            ['Created by', makerOf(container)],
            ['User', config.User || 'root'],
            ['Working directory', <Code key="dir">{config.WorkingDir || '/'}</Code>],
            ['Hostname', config.Hostname],
            [
              'Restart policy',
              restart?.Name
                ? `${restart.Name}${most > 0 ? `, at most ${count(most, 'time')}` : ''}`
                : 'no',
            ],
            ['Terminal', config.Tty ? 'yes (-t)' : undefined],
            ['Input', config.OpenStdin ? 'open (-i)' : undefined],
            ['Privileged', host.Privileged ? 'yes' : undefined],
            ['Stop signal', config.StopSignal ?? undefined],
          ]}
        />
      </CardBody>
    </Card>
  )
}

const MASK = '••••••••'

/** Values may be secrets: they are hidden until asked for. */
export function EnvironmentCard() {
  const { container } = useContainer()
  const [shown, setShown] = useState<ReadonlySet<string>>(new Set())
  const variables = (container.Config?.Env ?? []).map((entry): [string, string] => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })
  variables.sort(([a], [b]) => compareNames(a, b))
  if (variables.length === 0) return null
  const all = variables.every(([name]) => shown.has(name))
  const toggle = (name: string) => {
    const next = new Set(shown)
    if (!next.delete(name)) next.add(name)
    setShown(next)
  }
  return (
    <Card>
      <CardHeader
        title="Environment"
        hint={String(variables.length)}
        actions={
          <Button
            size="sm"
            onClick={() => setShown(new Set(all ? [] : variables.map(([name]) => name)))}
          >
            {all ? <EyeOff aria-hidden /> : <Eye aria-hidden />}{' '}
            {all ? 'Hide values' : 'Show values'}
          </Button>
        }
      />
      <ul className="divide-y text-[13px]">
        {variables.map(([name, value]) => (
          <li key={name} className="flex items-center gap-2 px-4 py-1">
            <code className="w-2/5 shrink-0 font-mono text-xs break-all">{name}</code>
            <code className="text-muted-foreground min-w-0 flex-1 font-mono text-xs break-all">
              {shown.has(name) ? value : MASK}
            </code>
            <Button
              size="icon-sm"
              variant="ghost"
              className="size-7"
              aria-label={`${shown.has(name) ? 'Hide' : 'Show'} ${name}`}
              onClick={() => toggle(name)}
            >
              {shown.has(name) ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
            </Button>
            <CopyButton text={value} label={`Copy the value of ${name}`} className="size-7" />
          </li>
        ))}
      </ul>
    </Card>
  )
}

export function LimitsCard() {
  const { container, removed } = useContainer()
  const [editing, setEditing] = useState(false)
  const [warnings, setWarnings] = useState<string[]>([])
  const host = container.HostConfig ?? {}
  const cores = (host.NanoCpus ?? 0) / 1e9
  const quota = (host.CpuQuota ?? 0) / (host.CpuPeriod || 100_000)
  const bytes = (value: number | undefined | null) =>
    value && value > 0 ? formatBytes(value) : undefined
  const facts: [string, ReactNode][] = [
    ['CPU', cores > 0 ? count(cores, 'core') : quota > 0 ? count(quota, 'core') : 'no limit'],
    ['CPU shares', host.CpuShares || undefined],
    ['CPU set', host.CpusetCpus || undefined],
    ['Memory', bytes(host.Memory) ?? 'no limit'],
    ['Reserved', bytes(host.MemoryReservation)],
    ['With swap', host.MemorySwap === -1 ? 'no limit' : bytes(host.MemorySwap)],
    [
      'Processes',
      host.PidsLimit && host.PidsLimit > 0 ? host.PidsLimit.toLocaleString('en') : 'no limit',
    ],
    ['Shared memory', bytes(host.ShmSize)],
  ]
  return (
    <Card>
      <CardHeader
        title="Limits"
        actions={
          !removed && (
            <Button size="sm" onClick={() => setEditing(true)}>
              <SlidersHorizontal aria-hidden /> Change
            </Button>
          )
        }
      />
      <CardBody className="flex flex-col gap-3">
        {warnings.length > 0 && (
          <Notice
            kind="warning"
            title="Not all of it holds on this host"
            actions={
              <Button size="xs" variant="ghost" onClick={() => setWarnings([])}>
                Dismiss
              </Button>
            }
          >
            {warnings.join(' ')}
          </Notice>
        )}
        <Facts facts={facts} />
      </CardBody>
      {editing && (
        <LimitsDialog
          container={container}
          onDone={(told) => {
            setWarnings(told)
            setEditing(false)
          }}
          onClose={() => setEditing(false)}
        />
      )}
    </Card>
  )
}

export function LabelsCard() {
  const { container } = useContainer()
  const labels = Object.entries(container.Config?.Labels ?? {}).sort(([a], [b]) =>
    compareNames(a, b),
  )
  return <PairsCard title="Labels" pairs={labels} />
}

function Code({ children }: { children: ReactNode }) {
  return <code className="font-mono text-xs break-all">{children}</code>
}
