'use client'
import type { ReactNode } from 'react'
import { makerOf } from '@/components/callers/caller-words.ts'
import { Facts } from '@/components/page/facts.tsx'
import { PairsCard } from '@/components/page/pairs-card.tsx'
import { UsedBy } from '@/components/page/used-by.tsx'
import { Card, CardBody, CardHeader } from '@/components/ui/card.tsx'
import { CopyButton } from '@/components/ui/copy-button.tsx'
import { formatTime } from '@/components/ui/format.ts'
import { commandOf, commentOf, healthCheckOf, platformOf } from './facts.ts'
import { useImage } from './image-provider.tsx'
import { TagsCard } from './tags-card.tsx'

export function Overview() {
  const { image, removed, users } = useImage()
  const config = image.Config ?? {}
  return (
    <div className="grid items-start gap-4 p-3 sm:p-4 lg:grid-cols-2">
      <div className="flex min-w-0 flex-col gap-4">
        <RunsCard />
        <PairsCard title="Environment" pairs={(config.Env ?? []).map(splitPair)} />
        <PairsCard
          title="Labels"
          pairs={Object.entries(config.Labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))}
        />
      </div>
      <div className="flex min-w-0 flex-col gap-4">
        <TagsCard />
        <IdentityCard />
        {!removed && (
          <Card>
            <CardHeader
              title="Used by"
              hint={users.length > 0 ? String(users.length) : undefined}
            />
            <CardBody className="text-sm">
              <UsedBy containers={users} all />
            </CardBody>
          </Card>
        )}
      </div>
    </div>
  )
}

/** What a container made from it runs, unless the deploy form says another. */
function RunsCard() {
  const config = useImage().image.Config ?? {}
  const list = (values: Record<string, unknown> | null | undefined) =>
    Object.keys(values ?? {}).map((value) => (
      <div key={value}>
        <Code>{value}</Code>
      </div>
    ))
  const code = (text: string | undefined) => (text === undefined ? undefined : <Code>{text}</Code>)
  return (
    <Card>
      <CardHeader title="What it runs" />
      <CardBody>
        <Facts
          facts={[
            ['Entrypoint', code(commandOf(config.Entrypoint))],
            ['Command', code(commandOf(config.Cmd))],
            ['User', config.User || 'root'],
            ['Working directory', <Code key="dir">{config.WorkingDir || '/'}</Code>],
            ['Ports', list(config.ExposedPorts)],
            ['Volumes', list(config.Volumes)],
            ['Health check', code(healthCheckOf(config.Healthcheck))],
            ['Stop signal', config.StopSignal],
            ['Shell', code(commandOf(config.Shell))],
            ['On build', config.OnBuild?.map((step) => <Code key={step}>{step}</Code>)],
          ]}
        />
      </CardBody>
    </Card>
  )
}

function IdentityCard() {
  const { image } = useImage()
  const created = Date.parse(image.Created ?? '')
  const tagged = Date.parse(image.Metadata?.LastTagTime ?? '')
  return (
    <Card>
      <CardHeader title="Identity" />
      <CardBody>
        <Facts
          facts={[
            ['ID', <Copied key="id" text={image.Id} label="Copy the ID" />],
            [
              'Digests',
              (image.RepoDigests ?? []).map((digest) => (
                <Copied key={digest} text={digest} label={`Copy ${digest}`} />
              )),
            ],
            ['Platform', platformOf(image)],
            ['Made', created > 0 ? formatTime(created) : 'unknown'],
            ['Author', image.Author],
            ['Comment', image.Comment && commentOf(image.Comment)],
            ['Last tagged', tagged > 0 ? formatTime(tagged) : undefined],
            ['Brought by', makerOf(image)],
          ]}
        />
      </CardBody>
    </Card>
  )
}

function splitPair(entry: string): [string, string] {
  const at = entry.indexOf('=')
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
}

function Copied({ text, label }: { text: string; label: string }) {
  return (
    <span className="flex items-start gap-1">
      <Code>{text}</Code>
      <CopyButton text={text} label={label} className="-my-0.5 size-6" />
    </span>
  )
}

function Code({ children }: { children: ReactNode }) {
  return <code className="font-mono text-xs break-all">{children}</code>
}
