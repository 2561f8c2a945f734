'use client'
import { useMemo, useState, type ReactNode } from 'react'
import type { StatsSample } from '@/server/live/protocol.ts'
import { formatTime } from '@/components/ui/format.ts'
import { Chart, type ChartProps } from './chart.tsx'
import { describeSeries } from './series.ts'

/** A chart with its name and its numbers above: of now, or of the moment under the pointer. */
export function ChartCard(
  props: Omit<ChartProps, 'onPoint' | 'height'> & {
    title: string
    /** What the numbers are measured against. */
    note?: ReactNode
    actions?: ReactNode
  },
) {
  const { title, note, actions, samples, curves, format, windowMs } = props
  const [point, setPoint] = useState<number | null>(null)
  const newest = samples.at(-1)
  const sample = point === null ? newest : (samples.find((s) => s.time === point) ?? newest)
  return (
    <figure className="bg-surface min-w-0 rounded-lg border">
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1 px-4 pt-3">
        <h2 className="text-sm font-semibold">{title}</h2>
        {curves.map((curve) => (
          <Reading key={curve.label} curve={curve} sample={sample} format={format} />
        ))}
        <span className="text-muted-foreground ml-auto flex items-center gap-2 text-xs">
          {point !== null && sample ? formatTime(sample.time).slice(11) : note}
          {actions}
        </span>
      </div>
      <Chart {...props} height={200} onPoint={setPoint} />
      <Summary
        title={title}
        samples={samples}
        curves={curves}
        format={format}
        windowMs={windowMs}
      />
    </figure>
  )
}

function Reading(props: {
  curve: ChartProps['curves'][number]
  sample: StatsSample | undefined
  format: (value: number) => string
}) {
  const { curve, sample, format } = props
  const value = sample ? curve.value(sample) : null
  if (curve.dashed && value === null) return null
  return (
    <span className="tabular flex items-baseline gap-1.5 text-sm">
      <span
        aria-hidden
        className="inline-block h-0 w-3.5 self-center border-t-2"
        style={{
          borderColor: `var(--chart-${curve.colour})`,
          borderTopStyle: curve.dashed ? 'dashed' : 'solid',
        }}
      />
      <span className="text-muted-foreground text-xs">{curve.label}</span>
      <span className="font-medium">{value === null ? '–' : format(value)}</span>
    </span>
  )
}

/** The chart in words, for those who cannot see it. */
function Summary(
  props: Pick<ChartProps, 'samples' | 'curves' | 'format' | 'windowMs'> & { title: string },
) {
  const { title, samples, curves, format, windowMs } = props
  const words = useMemo(() => {
    const from = (samples.at(-1)?.time ?? 0) - windowMs
    const shown = samples.filter((sample) => sample.time >= from)
    return curves
      .map((curve) => describeSeries(curve.label, shown.map(curve.value), format))
      .join('. ')
  }, [samples, curves, format, windowMs])
  return (
    <figcaption className="sr-only">
      {title}. {words}.
    </figcaption>
  )
}
