'use client'
import { useVirtualizer } from '@tanstack/react-virtual'
import { Activity, Pause, Play } from 'lucide-react'
import Link from 'next/link'
import { useMemo, useRef, useState } from 'react'
import type { EventMessage } from '@/engine/types/docker.ts'
import { causerOf } from '@/components/callers/caller-words.ts'
import { Chip, Chips, FilterBox } from '@/components/containers/list-toolbar.tsx'
import { useTopic } from '@/components/live/use-topic.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
import { cn } from '@/components/ui/cn.ts'
import { Empty } from '@/components/ui/empty.tsx'
import { count, formatTime } from '@/components/ui/format.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { SkeletonRows } from '@/components/ui/skeleton.tsx'
import { useUrlState } from '@/components/ui/use-url-state.ts'
import { detailsOf, isExec, pageOf, subjectOf, timeOf, toneOf } from './event-words.ts'

const types = ['container', 'image', 'network', 'volume']

/** What happens on this host, newest on top; paused it stands still and counts what came since. */
export function EventList() {
  const { data, stale, error } = useTopic('events')
  const [type, setType] = useUrlState('type')
  const [filter, setFilter] = useUrlState('q')
  // Each health check is three of them: they drown what happened.
  const [execs, setExecs] = useUrlState('execs')
  const [frozen, setFrozen] = useState<EventMessage[]>()
  const events = frozen ?? data
  const shown = useMemo(() => {
    const word = filter.trim().toLowerCase()
    return (events ?? [])
      .filter((event) => execs !== '' || !isExec(event))
      .filter((event) => (type === '' || event.Type === type) && matches(event, word))
      .reverse()
  }, [events, type, filter, execs])
  const missed = frozen === undefined || data === undefined ? 0 : newer(data, frozen)
  return (
    <div className="flex h-full min-h-0 flex-col">
      <PageHeader
        title="Events"
        filter={
          <FilterBox
            label="Filter events"
            placeholder="Filter by name, action, user, attribute"
            value={filter}
            onChange={setFilter}
          />
        }
        actions={
          <>
            {missed > 0 && (
              <span className="text-muted-foreground text-xs">{count(missed, 'new event')}</span>
            )}
            <Button
              size="sm"
              aria-pressed={frozen !== undefined}
              onClick={() => setFrozen(frozen === undefined ? (data ?? []) : undefined)}
            >
              {frozen === undefined ? <Pause aria-hidden /> : <Play aria-hidden />}
              {frozen === undefined ? 'Pause' : 'Go on'}
            </Button>
          </>
        }
        chips={
          <Chips label="Types">
            <Chip word="All" pressed={type === ''} onPress={() => setType('')} />
            {types.map((each) => (
              <Chip
                key={each}
                word={`${each.charAt(0).toUpperCase()}${each.slice(1)}`}
                pressed={type === each}
                onPress={() => setType(type === each ? '' : each)}
              />
            ))}
            <span className="bg-border mx-1 my-1.5 w-px" aria-hidden />
            <Chip
              word={execs === '' ? 'Show execs' : 'Hide execs'}
              pressed={execs !== ''}
              onPress={() => setExecs(execs === '' ? 'shown' : '')}
            />
          </Chips>
        }
      />
      {error !== null && (
        <div className="p-4">
          <Notice title="The events cannot be read">{error}</Notice>
        </div>
      )}
      {events === undefined ? (
        error === null && <SkeletonRows label="Loading the events" />
      ) : shown.length > 0 ? (
        <EventRows events={shown} stale={stale !== null} />
      ) : events.every(isExec) ? (
        <Empty icon={Activity} title="Nothing has happened yet">
          Each start, stop, pull and change appears here the moment it happens.
        </Empty>
      ) : (
        <NoMatch
          noun="event"
          onClear={() => {
            setFilter('')
            setType('')
          }}
        />
      )}
    </div>
  )
}

function EventRows({ events, stale }: { events: EventMessage[]; stale: boolean }) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: events.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 40,
    overscan: 10,
    // From the end, as rows come in on top.
    getItemKey: (index) => events.length - index,
  })
  return (
    <div
      ref={scroller}
      role="table"
      aria-label="Events"
      aria-rowcount={events.length}
      className={cn('bg-surface min-h-0 flex-1 overflow-auto', stale && 'opacity-60 grayscale')}
    >
      <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const event = events[item.index]
          return (
            event !== undefined && (
              <div
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                role="row"
                aria-rowindex={item.index + 1}
                style={{ transform: `translateY(${item.start}px)` }}
                className="hover:bg-muted/60 absolute inset-x-0 top-0 border-b"
              >
                <EventRow event={event} />
              </div>
            )
          )
        })}
      </div>
    </div>
  )
}

function EventRow({ event }: { event: EventMessage }) {
  const page = pageOf(event)
  const subject = subjectOf(event)
  const causer = causerOf(event)
  return (
    <div className="flex min-h-10 flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5 text-sm md:flex-nowrap md:px-4">
      <time
        role="cell"
        className="tabular text-muted-foreground w-36 shrink-0 text-xs"
        dateTime={new Date(timeOf(event)).toISOString()}
      >
        {formatTime(timeOf(event))}
      </time>
      <span role="cell" className="text-muted-foreground w-18 shrink-0 text-xs">
        {event.Type}
      </span>
      <span role="cell" className="w-36 shrink-0 truncate">
        <Badge tone={toneOf(event)} className="max-w-full">
          <span className="truncate">{event.Action}</span>
        </Badge>
      </span>
      <span role="cell" className="w-48 min-w-0 truncate font-medium">
        {page === undefined ? (
          subject
        ) : (
          <Link href={page} prefetch={false} className="rounded-sm hover:underline">
            {subject}
          </Link>
        )}
      </span>
      <span
        role="cell"
        className="text-muted-foreground w-36 shrink-0 truncate text-xs"
        title={causer === undefined ? undefined : `by ${causer}`}
      >
        {causer}
      </span>
      <span
        role="cell"
        className="text-muted-foreground min-w-0 flex-1 truncate text-xs"
        title={detailsOf(event)}
      >
        {detailsOf(event)}
      </span>
    </div>
  )
}

function matches(event: EventMessage, word: string): boolean {
  if (word === '') return true
  const text = `${event.Action ?? ''} ${subjectOf(event)} ${event.Actor?.ID ?? ''} ${causerOf(event) ?? ''} ${detailsOf(event)}`
  return text.toLowerCase().includes(word)
}

function newer(data: EventMessage[], frozen: EventMessage[]): number {
  const last = frozen.at(-1)
  if (last === undefined) return data.length
  return data.length - 1 - data.findLastIndex((event) => timeOf(event) <= timeOf(last))
}
