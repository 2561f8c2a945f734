'use client'
import { formatAge, formatTime } from './format.ts'
import { useNow } from './use-now.ts'

/** How long ago, kept current; the exact time on hover. `since` in ms since the epoch. */
export function Age({ since, suffix = '' }: { since: number; suffix?: string }) {
  // By the minute once it is counted in minutes.
  const minute = useNow(60_000, since)
  const now = useNow(minute - since < 60_000 ? 1000 : 60_000, since)
  if (now === 0) return null
  return (
    <time
      dateTime={new Date(since).toISOString()}
      title={formatTime(since)}
      className="tabular whitespace-nowrap"
    >
      {formatAge(now - since)}
      {suffix}
    </time>
  )
}
