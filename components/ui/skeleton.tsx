import { cn } from './cn.ts'

/** A grey bar where something will be; shows only after 150 ms so that fast answers do not flicker. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <div className="appear-late" aria-hidden>
      <div className={cn('bg-accent h-4 animate-pulse rounded-md', className)} />
    </div>
  )
}

/** Rows of a list that is being read. */
export function SkeletonRows({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div role="status" aria-label={label} className="flex flex-col gap-3 p-4">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} className="h-5" />
      ))}
    </div>
  )
}
