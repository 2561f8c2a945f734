'use client'
import { useEffect, useRef } from 'react'
import { cn } from '@/components/ui/cn.ts'

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
    const paint = () => draw(element, values, top, slots, `--chart-${colour}`)
    paint()
    const observer = new ResizeObserver(paint)
    observer.observe(element)
    return () => observer.disconnect()
  }, [values, top, slots, colour])
  return <canvas ref={canvas} aria-hidden className={cn('h-8 w-full sm:h-16', props.className)} />
}

function draw(
  canvas: HTMLCanvasElement,
  values: number[],
  top: number,
  slots: number,
  variable: string,
): void {
  const scale = window.devicePixelRatio
  const { clientWidth: width, clientHeight: height } = canvas
  canvas.width = width * scale
  canvas.height = height * scale
  const context = canvas.getContext('2d')
  if (context === null || values.length < 2) return
  context.scale(scale, scale)
  const shown = values.slice(-slots)
  const step = width / (slots - 1)
  const left = width - (shown.length - 1) * step
  const colour = getComputedStyle(canvas).getPropertyValue(variable)
  context.beginPath()
  shown.forEach((value, index) => {
    context.lineTo(
      left + index * step,
      height - 1 - (Math.min(top, Math.max(0, value)) / top) * (height - 4),
    )
  })
  context.strokeStyle = colour
  context.lineWidth = 1.5
  context.lineJoin = 'round'
  context.stroke()
  context.lineTo(width, height)
  context.lineTo(left, height)
  context.closePath()
  context.globalAlpha = 0.13
  context.fillStyle = colour
  context.fill()
}
