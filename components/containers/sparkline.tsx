'use client'
import { useEffect, useRef } from 'react'
import { cn } from '@/components/ui/cn.ts'
import { drawLine } from '@/components/ui/draw-line.ts'
import { HISTORY } from './fleet-history.ts'

/**
 * The last 60 samples as a filled line, newest at the right edge. Decoration beside the number it belongs to, so
 * hidden from screen readers. The scale's top is the series' own maximum, at least `floor`.
 */
export function Sparkline(props: {
  values: number[]
  floor: number
  colour: 1 | 2 | 3 | 4 | 5 | 6
  className?: string
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { values, floor, colour } = props
  useEffect(() => {
    if (canvas.current === null) return
    drawLine(canvas.current, values, {
      top: Math.max(floor, ...values),
      slots: HISTORY,
      variable: `--chart-${colour}`,
      lineWidth: 1.25,
      fillAlpha: 0.16,
    })
  }, [values, floor, colour])
  return <canvas ref={canvas} aria-hidden className={cn('h-6 w-15', props.className)} />
}
