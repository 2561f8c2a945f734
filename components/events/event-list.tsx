'use client'
import { Activity, Pause, Play } from 'lucide-react'
import Link from 'next/link'
import { useMemo, useState } from 'react'
import type { EventMessage } from '@/engine/types/docker.ts'
import { causerOf } from '@/components/callers/caller-words.ts'
import { useTopic } from '@/components/live/use-topic.tsx'
import { Chip, Chips } from '@/components/page/chips.tsx'
import { FilterBox } from '@/components/page/filter-box.tsx'
import { NoMatch } from '@/components/page/no-match.tsx'
import { PageHeader } from '@/components/page/page-header.tsx'
import { VirtualRows } from '@/components/page/virtual-rows.tsx'
import { Badge } from '@/components/ui/badge.tsx'
import { Button } from '@/components/ui/button.tsx'
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
        <VirtualRows
          label="Events"
          rows={shown}
          // from the end, as rows come in on top
          keyOf={(_event, index) => shown.length - index}
          rowPx={40}
          overscan={10}
          stale={stale !== null}
        >
          {(event) => <EventRow event={event} />}
        </VirtualRows>
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
