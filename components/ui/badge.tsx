import type { ComponentProps } from 'react'
import { cn } from './cn.ts'

export type Tone = 'neutral' | 'ok' | 'warn' | 'bad' | 'info'

const tones: Record<Tone, string> = {
  neutral: 'border-border text-muted-foreground bg-muted',
  ok: 'border-ok/35 text-ok bg-ok/10',
  warn: 'border-warn/35 text-warn bg-warn/10',
  bad: 'border-bad/35 text-bad bg-bad/10',
  info: 'border-link/35 text-link bg-link/10',
}

export function Badge({
  tone = 'neutral',
  className,
  ...props
}: ComponentProps<'span'> & { tone?: Tone }) {
  return (
    <span
      className={cn(
        'inline-flex h-5 items-center gap-1 rounded-full border px-2 text-xs font-medium whitespace-nowrap',
        tones[tone],
        className,
      )}
      {...props}
    />
  )
}
