import { cn } from './cn.ts'

/** A bar from 0 to 100; without a value it says only that work goes on. */
export function Progress(props: {
  value: number | null
  label: string
  tone?: 'primary' | 'ok' | 'warn' | 'bad'
  className?: string
}) {
  const tone = { primary: 'bg-chart-1', ok: 'bg-ok', warn: 'bg-warn', bad: 'bg-bad' }[
    props.tone ?? 'primary'
  ]
  return (
    <div
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={props.value === null ? undefined : Math.round(props.value)}
      className={cn('bg-accent h-1.5 overflow-hidden rounded-full', props.className)}
    >
      <div
        className={cn(
          'h-full rounded-full transition-[width] duration-200',
          tone,
          props.value === null && 'w-1/3 animate-pulse',
        )}
        style={
          props.value === null
            ? undefined
            : { width: `${Math.min(100, Math.max(0, props.value))}%` }
        }
      />
    </div>
  )
}
