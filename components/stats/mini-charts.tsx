'use client'
import { useMemo } from 'react'
import { useTopic } from '@/components/live/use-topic.tsx'
import type { StatsSample } from '@/server/live/protocol.ts'
import { Chart } from './chart.tsx'
import {
  blockChart,
  cpuChart,
  memoryChart,
  networkChart,
  type ChartKind,
  type Limits,
} from './charts.ts'

/** Four small live charts with their numbers: the state at a glance. */
export function MiniCharts({ containerId, limits }: { containerId: string; limits: Limits }) {
  const { data: samples } = useTopic('stats', containerId)
  const kinds = useMemo(
    () => [cpuChart(limits, 'allowed'), memoryChart(limits), networkChart, blockChart],
    [limits],
  )
  return (
    <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      {kinds.map((kind) => (
        <Mini key={kind.title} kind={kind} samples={samples ?? []} />
      ))}
    </div>
  )
}

function Mini({ kind, samples }: { kind: ChartKind; samples: readonly StatsSample[] }) {
  const newest = samples.at(-1)
  const solid = useMemo(() => kind.curves.filter((curve) => !curve.dashed), [kind])
  const readings = kind.title === 'Memory' ? solid.slice(0, 1) : solid
  return (
    <div className="bg-surface min-w-0 overflow-hidden rounded-lg border">
      <div className="px-3 pt-2.5 pb-1">
        <div className="text-muted-foreground text-xs">{kind.title}</div>
        <div className="tabular truncate text-sm font-semibold">
          {newest
            ? readings
                .map((curve) => {
                  const words = kind.format(curve.value(newest) ?? 0)
                  return readings.length > 1
                    ? `${curve.label[0] === 'r' ? '↓' : '↑'} ${words}`
                    : words
                })
                .join('  ')
            : '–'}
        </div>
      </div>
      <Chart
        samples={samples}
        curves={solid}
        windowMs={120_000}
        top={kind.top}
        format={kind.format}
        height={56}
        bare
      />
    </div>
  )
}
