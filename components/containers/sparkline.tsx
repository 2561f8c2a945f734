'use client'
import { useEffect, useRef } from 'react'
import { cn } from '@/components/ui/cn.ts'
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
    if (canvas.current !== null) draw(canvas.current, values, floor, `--chart-${colour}`)
  }, [values, floor, colour])
  return <canvas ref={canvas} aria-hidden className={cn('h-6 w-15', props.className)} />
}

function draw(canvas: HTMLCanvasElement, values: number[], floor: number, variable: string): void {
  const scale = window.devicePixelRatio
  const width = canvas.clientWidth
  const height = canvas.clientHeight
  if (canvas.width !== width * scale || canvas.height !== height * scale) {
    canvas.width = width * scale
    canvas.height = height * scale
  }
  const context = canvas.getContext('2d')
  if (context === null) return
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  if (values.length < 2) return
  const top = Math.max(floor, ...values)
  const step = width / (HISTORY - 1)
  const left = width - (values.length - 1) * step
  const y = (value: number) => height - 1.5 - (Math.max(0, value) / top) * (height - 3)
  const colour = getComputedStyle(canvas).getPropertyValue(variable)
  context.beginPath()
  values.forEach((value, index) => context.lineTo(left + index * step, y(value)))
  context.strokeStyle = colour
  context.lineWidth = 1.25
  context.lineJoin = 'round'
  context.stroke()
  context.lineTo(width, height)
  context.lineTo(left, height)
  context.closePath()
  context.globalAlpha = 0.16
  context.fillStyle = colour
  context.fill()
  context.globalAlpha = 1
}
