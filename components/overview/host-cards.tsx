'use client'
import type { ReactNode } from 'react'
import type { HostSample } from '@/server/live/protocol.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Card } from '@/components/ui/card.tsx'
import { cn } from '@/components/ui/cn.ts'
import { count, formatBytes, formatPercent } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { Progress } from '@/components/ui/progress.tsx'
import { Skeleton } from '@/components/ui/skeleton.tsx'
import { Trend } from './trend.tsx'

/** Samples shown: five minutes at one every two seconds. */
const SLOTS = 150

/** The machine's CPU, memory and disk, live. */
export function HostCards() {
  const { data, stale, error } = useTopic('host')
  const now = data?.at(-1)
  if (error !== null) return <Notice title="The host's numbers cannot be read">{error}</Notice>
  return (
    <div className={cn('grid gap-3 sm:grid-cols-3', stale !== null && 'stale')}>
      <Meter
        name="CPU"
        value={now && formatPercent(now.cpu)}
        hint={now && `${count(now.cpuCount, 'core')}, load ${now.load1.toFixed(2)}`}
        chart={
          <Trend values={series(data, (sample) => sample.cpu)} top={100} slots={SLOTS} colour={1} />
        }
      />
      <Meter
        name="Memory"
        value={now && formatBytes(now.memoryUsed)}
        hint={
          now &&
          `of ${formatBytes(now.memoryTotal)}, ${formatPercent((100 * now.memoryUsed) / now.memoryTotal)}`
        }
        chart={
          <Trend
            values={series(data, (sample) => sample.memoryUsed)}
            top={now?.memoryTotal ?? 1}
            slots={SLOTS}
            colour={2}
          />
        }
      />
      <Meter
        name="Disk"
        value={now && formatBytes(now.diskUsed)}
        hint={now && `of ${formatBytes(now.diskTotal)}`}
        chart={now && <DiskBar sample={now} />}
      />
    </div>
  )
}

function Meter(props: {
  name: string
  value: string | undefined
  hint: string | undefined
  chart: ReactNode
}) {
  return (
    <Card aria-label={props.name} className="flex min-h-22 flex-col overflow-hidden sm:min-h-32">
      <div className="flex items-baseline gap-2 px-4 pt-3">
        <h2 className="text-muted-foreground text-[13px]">{props.name}</h2>
        <span className="text-muted-foreground ml-auto text-xs">{props.hint}</span>
      </div>
      <div className="tabular px-4 text-2xl font-semibold tracking-tight">
        {props.value ?? <Skeleton className="mt-1 h-7 w-24" />}
      </div>
      <div className="mt-auto">{props.chart}</div>
    </Card>
  )
}

function DiskBar({ sample }: { sample: HostSample }) {
  const percent = (100 * sample.diskUsed) / sample.diskTotal
  const free = sample.diskTotal - sample.diskUsed
  return (
    <div className="px-4 pb-4">
      <Progress
        value={percent}
        label="Disk used"
        tone={percent > 95 ? 'bad' : percent > 85 ? 'warn' : 'primary'}
        className="h-2"
      />
      <p className="tabular text-muted-foreground mt-2 text-xs">
        {formatBytes(free)} free where the data is kept{percent > 95 ? ': almost full' : ''}
      </p>
    </div>
  )
}

function series(data: HostSample[] | undefined, of: (sample: HostSample) => number): number[] {
  return data?.slice(-SLOTS).map(of) ?? []
}
