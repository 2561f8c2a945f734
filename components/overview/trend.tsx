'use client'
import { useEffect, useRef } from 'react'
import { cn } from '@/components/ui/cn.ts'
import { drawLine } from '@/components/ui/draw-line.ts'

/** A wide area chart of one series from 0 to `top`, without axes; hidden from screen readers as the number stands by. */
export function Trend(props: {
  values: number[]
  top: number
  slots: number
  colour: 1 | 2 | 3
  className?: string
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const { values, top, slots, colour } = props
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const paint = () =>
      drawLine(element, values, {
        top,
        slots,
        variable: `--chart-${colour}`,
        lineWidth: 1.5,
        fillAlpha: 0.13,
      })
    paint()
    const observer = new ResizeObserver(paint)
    observer.observe(element)
    return () => observer.disconnect()
  }, [values, top, slots, colour])
  return <canvas ref={canvas} aria-hidden className={cn('h-8 w-full sm:h-16', props.className)} />
}
