'use client'
import Link from 'next/link'
import { isExec, pageOf, subjectOf, timeOf, toneOf } from '@/components/events/event-words.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Age } from '@/components/ui/age.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { Card, CardHeader } from '@/components/ui/card.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'

const SHOWN = 9

export function EventsCard() {
  const { data, error } = useTopic('events')
  // Execs come in threes, for each health check too: they drown what happened.
  const recent = data
    ?.filter((event) => !isExec(event))
    .slice(-SHOWN)
    .reverse()
  return (
    <Card aria-label="Recent events">
      <CardHeader
        title="Recent events"
        actions={
          <Button asChild size="xs">
            <Link href="/events">All</Link>
          </Button>
        }
      />
      {error !== null && <p className="text-bad p-4 text-sm">{error}</p>}
      {recent === undefined ? (
        error === null && <SkeletonRows rows={5} />
      ) : recent.length === 0 ? (
        <p className="text-muted-foreground p-4 text-sm">Nothing has happened yet.</p>
      ) : (
        <ul className="px-4 py-2">
          {recent.map((event, index) => {
            const page = pageOf(event)
            return (
              <li
                key={`${timeOf(event)} ${index}`}
                className="flex items-center gap-3 py-1.5 text-[13px]"
              >
                <Badge tone={toneOf(event)} className="w-24 shrink-0 justify-center">
                  <span className="truncate">{event.Action}</span>
                </Badge>
                <span className="min-w-0 flex-1 truncate">
                  <span className="text-muted-foreground">{event.Type} </span>
                  {page === undefined ? (
                    subjectOf(event)
                  ) : (
                    <Link href={page} prefetch={false} className="rounded-sm hover:underline">
                      {subjectOf(event)}
                    </Link>
                  )}
                </span>
                <span className="text-muted-foreground shrink-0 text-xs">
                  <Age since={timeOf(event)} suffix=" ago" />
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </Card>
  )
}
