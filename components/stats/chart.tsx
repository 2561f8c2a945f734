'use client'
import 'uplot/dist/uPlot.min.css'
import { useTheme } from 'next-themes'
import { useEffect, useMemo, useRef } from 'react'
import uPlot from 'uplot'
import type { StatsSample } from '@/server/live/protocol.ts'
import { alignSamples, type Curve } from './series.ts'

export interface ChartProps {
  samples: readonly StatsSample[]
  /** Keep the same array between renders: another one makes the chart anew. */
  curves: readonly Curve[]
  windowMs: number
  /** The scale reaches at least so far; the values decide beyond. */
  top: (highest: number) => number
  format: (value: number) => string
  /** The axis goes in powers of two. */
  bytes?: boolean
  height: number
  /** Charts of one key show the same moment under the pointer. */
  syncKey?: string
  /** The sample under the pointer, null when it leaves. */
  onPoint?: (time: number | null) => void
  /** Without axes, to be small beside a number. */
  bare?: boolean
}

const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power)

/** Hours and minutes, and seconds where the steps are that small. */
function clockTimes(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map((seconds) => {
    const words = new Date(seconds * 1000).toTimeString()
    return step < 60 ? words.slice(0, 8) : words.slice(0, 5)
  })
}

/** A live chart on uPlot: fixed time window that ends at the newest sample, gaps as gaps, colours of the theme. */
export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const { samples, curves, windowMs, height, syncKey, bare, bytes } = props
  const newest = useRef(props)
  const { resolvedTheme } = useTheme()
  const data = useMemo(() => alignSamples(samples, curves), [samples, curves])
  const shown = useRef(data)

  useEffect(() => {
    newest.current = props
  })

  useEffect(() => {
    const element = box.current
    if (!element) return
    const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim()
    const axis: uPlot.Axis = {
      stroke: colour('--muted-foreground'),
      grid: { stroke: colour('--border'), width: 1 },
      ticks: { show: false },
      font: `11px ${colour('--font-sans') || 'sans-serif'}`,
      show: bare !== true,
    }
    const made = new uPlot(
      {
        width: element.clientWidth || 300,
        height,
        legend: { show: false },
        // below, room for the line of a value that is 0
        padding: bare ? [2, 0, 2, 0] : [10, 8, 0, 0],
        cursor: {
          show: bare !== true,
          y: false,
          drag: { x: false, y: false },
          ...(syncKey === undefined ? {} : { sync: { key: syncKey, scales: ['x', null] } }),
        },
        scales: {
          x: {
            time: true,
            range: (_, __, max) => {
              const end = max || Date.now() / 1000
              return [end - newest.current.windowMs / 1000, end]
            },
          },
          y: { range: (_, __, max) => [0, newest.current.top(max ?? 0)] },
        },
        axes: [
          { ...axis, space: 70, size: 30, values: clockTimes },
          {
            ...axis,
            size: 68,
            space: 34,
            ...(bytes ? { incrs: BINARY_STEPS } : {}),
            values: (_, splits) => splits.map((value) => newest.current.format(value)),
          },
        ],
        series: [
          {},
          ...curves.map((curve): uPlot.Series => {
            const stroke = colour(`--chart-${curve.colour}`)
            return {
              label: curve.label,
              stroke,
              width: 1.5,
              spanGaps: false,
              points: { show: false },
              ...(curve.filled ? { fill: stroke.replace(/\)$/, ' / 0.14)') } : {}),
              ...(curve.dashed ? { dash: [5, 4], width: 1.25 } : {}),
            }
          }),
        ],
        hooks: {
          setCursor: [
            (self) => {
              const index = self.cursor.idx
              const time = typeof index === 'number' ? self.data[0][index] : undefined
              newest.current.onPoint?.(time === undefined ? null : time * 1000)
            },
          ],
        },
      },
      shown.current,
      element,
    )
    plot.current = made
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
    // resolvedTheme: a canvas keeps its colours, so another theme needs another chart.
  }, [curves, height, syncKey, bare, bytes, resolvedTheme])

  useEffect(() => {
    shown.current = data
    plot.current?.setData(data)
  }, [data, windowMs])

  return <div ref={box} aria-hidden className="w-full min-w-0" style={{ height }} />
}
