import { LoaderCircle } from 'lucide-react'
import { cn } from './cn.ts'

/** Turning circle; mute for screen readers unless it is given a label. */
export function Spinner({ className, label }: { className?: string; label?: string }) {
  return (
    <LoaderCircle
      role={label === undefined ? undefined : 'img'}
      aria-hidden={label === undefined}
      aria-label={label}
      className={cn('size-4 animate-spin', className)}
    />
  )
}
