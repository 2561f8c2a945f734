import { cn } from '@/components/ui/cn.ts'
import type { StateView } from './state.ts'

/**
 * The state as a shape with a colour: a full circle runs, a ring is over, a square failed, bars are paused; so it
 * reads without colour too.
 */
export function StateDot({ view, className }: { view: StateView; className?: string }) {
  const { condition, tone, word } = view
  const colour = {
    ok: 'text-ok',
    warn: 'text-warn',
    bad: 'text-bad',
    neutral: 'text-muted-foreground',
    info: 'text-link',
  }[tone]
  return (
    <svg
      viewBox="0 0 12 12"
      role="img"
      aria-label={word}
      className={cn('size-3 shrink-0', colour, className)}
    >
      {shape(condition, tone)}
    </svg>
  )
}

function shape(condition: StateView['condition'], tone: StateView['tone']) {
  if (condition === 'running') return <circle cx="6" cy="6" r="5" fill="currentColor" />
  if (condition === 'unhealthy' || condition === 'dead') {
    return <path d="M6 0.8 11.6 10.8H0.4Z" fill="currentColor" />
  }
  if (condition === 'paused') return <path d="M2 1.5h3v9H2zM7 1.5h3v9H7z" fill="currentColor" />
  if (condition === 'restarting' || condition === 'removing') {
    return (
      <circle
        cx="6"
        cy="6"
        r="4.2"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeDasharray="18 9"
        className="origin-center animate-spin"
      />
    )
  }
  if (tone === 'bad')
    return <rect x="1.2" y="1.2" width="9.6" height="9.6" rx="1.5" fill="currentColor" />
  return <circle cx="6" cy="6" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.8" />
}
