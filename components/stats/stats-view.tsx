'use client'
import { ChartLine } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Empty } from '@/components/ui/empty.tsx'
import { count, formatBytes } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { Select } from '@/components/ui/select.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { ChartCard } from './chart-card.tsx'
import {
  blockChart,
  cpuChart,
  memoryChart,
  networkChart,
  pidsChart,
  type Limits,
} from './charts.ts'

const WINDOWS = [
  { value: '60000', label: 'Last minute' },
  { value: '300000', label: 'Last 5 minutes' },
  { value: '900000', label: 'Last 15 minutes' },
  { value: '1800000', label: 'Last 30 minutes' },
  { value: '3600000', label: 'Last hour' },
]

/** What a container uses, once a second: what the server kept of the last hour, then live for as long as the page is open. */
export function StatsView(props: { containerId: string; running: boolean; limits: Limits }) {
  const { containerId, running, limits } = props
  const { data: samples, error } = useTopic('stats', containerId)
  const [windowMs, setWindowMs] = useState('300000')
  const [scale, setScale] = useState<'allowed' | 'core'>('allowed')
  const cpu = useMemo(() => cpuChart(limits, scale), [limits, scale])
  const memory = useMemo(() => memoryChart(limits), [limits])
  const newest = samples?.at(-1)
  const shared = {
    samples: samples ?? [],
    windowMs: Number(windowMs),
    syncKey: `stats ${containerId}`,
  }

  if (samples === undefined || samples.length === 0) {
    if (error !== null && running)
      return (
        <Notice title="There are no numbers" className="m-4">
          {error}
        </Notice>
      )
    if (running) return <SkeletonRows rows={10} label="Waiting for the first sample" />
    return (
      <Empty icon={ChartLine} title="Nothing to measure">
        The container does not run. Its CPU, memory, network and disk use appear here while it does.
      </Empty>
    )
  }
  return (
    <div className="flex flex-col gap-4 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <Select
          size="sm"
          className="w-40"
          aria-label="Time range"
          value={windowMs}
          onValueChange={setWindowMs}
          options={WINDOWS}
        />
        <span className="text-muted-foreground text-[13px]" role="status">
          {running
            ? 'Measured while somebody looks, and kept for an hour.'
            : 'The container does not run: this is what was measured before.'}
        </span>
      </div>
      <div className="grid grid-cols-[repeat(auto-fit,minmax(min(100%,26rem),1fr))] gap-4">
        <ChartCard
          {...cpu}
          {...shared}
          actions={
            <Select
              size="sm"
              className="h-7 w-44 text-xs"
              aria-label="CPU scale"
              value={scale}
              onValueChange={(value) => setScale(value as 'allowed' | 'core')}
              options={[
                { value: 'allowed', label: ofWhat(limits.cpuCores, newest?.cpuCount) },
                { value: 'core', label: '% of one core' },
              ]}
            />
          }
        />
        <ChartCard
          {...memory}
          {...shared}
          note={
            limits.memoryBytes === null
              ? `no limit, host has ${formatBytes(newest?.memoryLimit ?? 0)}`
              : undefined
          }
        />
        <ChartCard
          {...networkChart}
          {...shared}
          note={
            newest && `${formatBytes(newest.networkRx)} in, ${formatBytes(newest.networkTx)} out`
          }
        />
        <ChartCard
          {...blockChart}
          {...shared}
          note={
            newest &&
            `${formatBytes(newest.blockRead)} read, ${formatBytes(newest.blockWrite)} written`
          }
        />
        <ChartCard
          {...pidsChart}
          {...shared}
          note={
            newest?.pidsLimit == null
              ? 'no limit'
              : `limit ${newest.pidsLimit.toLocaleString('en')}`
          }
        />
      </div>
      {newest !== undefined && newest.throttledPeriods > 0 && (
        <p className="text-muted-foreground text-[13px]">
          The CPU limit has slowed the container in {count(newest.throttledPeriods, 'period')} since
          it started.
        </p>
      )}
    </div>
  )
}

function ofWhat(limitCores: number | null, hostCores: number | undefined): string {
  if (limitCores !== null) return `% of limit (${limitCores} CPU)`
  return `% of host (${hostCores ?? '?'} CPU)`
}
