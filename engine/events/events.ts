import { currentCaller, withCaller } from '../caller.ts'
import type { EventsOptions } from '../contract/system.ts'
import { UnavailableError } from '../errors.ts'
import type { EventMessage } from '../types/docker.ts'
import { wallClock } from '../wall-clock.ts'
import { eventFilter } from './filter.ts'
import { Journal } from './journal.ts'

export type EventType = NonNullable<EventMessage['Type']>

export interface Events {
  /**
   * Tells that something happened, and by whom. Returns at once; the journal is written shortly after, in batches.
   *
   * @param id the object's ID, or its name when it has none (volumes)
   */
  emit(type: EventType, action: string, id: string, attributes?: Record<string, string>): void
  /**
   * Past events when `since` or `until` is given, then live ones until `until` or the signal, each exactly once and in
   * order. How slow a reader is does not matter to others: past 1024 waiting events it is served from the journal.
   *
   * @throws INVALID_PARAMETER for an unknown filter
   * @throws UNAVAILABLE (while iterating) when a reader was so slow that the journal no longer has what comes next
   */
  stream(options?: EventsOptions, signal?: AbortSignal): AsyncIterable<EventMessage>
  /** How many follow. */
  listeners(): number
  /** Writes out what is waiting and ends every stream. */
  close(): Promise<void>
}

/** As it is kept: with the time, by which everything is ordered. */
export type StampedEvent = EventMessage & { timeNano: number }

export interface OpenEventsOptions {
  dir: string
  /** When a journal file is full, and how many full ones are kept beside the current one. */
  maxFileBytes?: number
  maxOldFiles?: number
}

/** Events waiting for one reader before it is sent to the journal instead. */
const MAX_QUEUE = 1024

interface Subscriber {
  queue: StampedEvent[]
  /** What comes next is no longer in the queue but in the journal. */
  behind: boolean
  wake: () => void
}

/** Opens the bus and its journal, which outlives the process. */
export async function openEvents(options: OpenEventsOptions): Promise<Events> {
  const journal = await Journal.open({
    dir: options.dir,
    maxFileBytes: options.maxFileBytes ?? 4 * 1024 * 1024,
    maxOldFiles: options.maxOldFiles ?? 3,
  })
  const subscribers = new Set<Subscriber>()
  let last = journal.last
  let closed = false

  function emit(
    type: EventType,
    action: string,
    id: string,
    attributes: Record<string, string> = {},
  ): void {
    if (closed) return
    last = nextTime(last)
    const event: StampedEvent = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: withCaller(attributes, currentCaller()) },
      scope: 'local',
      time: Math.floor(last / 1e9),
      timeNano: last,
    }
    journal.append(event)
    for (const subscriber of subscribers) {
      if (subscriber.queue.length >= MAX_QUEUE) {
        subscriber.behind = true
        subscriber.queue = []
      }
      if (!subscriber.behind) subscriber.queue.push(event)
      subscriber.wake()
    }
  }

  function stream(options: EventsOptions = {}, signal?: AbortSignal): AsyncIterable<EventMessage> {
    const passes = eventFilter(options.filters ?? {})
    const past = options.since !== undefined || options.until !== undefined
    // Everything after this moment is the reader's, though it may begin to read later.
    const start = past ? Math.round((options.since ?? 0) * 1e6) * 1e3 - 500 : last
    return follow(start, past, options.until, passes, signal)
  }

  async function* follow(
    start: number,
    past: boolean,
    until: number | undefined,
    passes: (event: EventMessage) => boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<EventMessage> {
    let cursor = start
    const end = until === undefined ? Infinity : until * 1e9 + 500
    const subscriber: Subscriber = {
      queue: [],
      behind: past || last > cursor,
      wake: () => undefined,
    }
    const wake = (): void => subscriber.wake()
    let lagging = false
    let timer: NodeJS.Timeout | undefined
    subscribers.add(subscriber)
    signal?.addEventListener('abort', wake)
    try {
      for (;;) {
        if (signal?.aborted === true) return
        if (subscriber.behind) {
          if (lagging && journal.droppedUntil > cursor) {
            throw new UnavailableError('events were lost: they were read too slowly')
          }
          subscriber.behind = false
          for await (const event of journal.read(cursor, Math.min(last, end))) {
            if (isAborted(signal)) return
            cursor = event.timeNano
            if (passes(event)) yield event
          }
          lagging = true
          continue
        }
        const event = subscriber.queue.shift()
        if (event !== undefined) {
          if (event.timeNano > end) return
          if (event.timeNano <= cursor) continue
          cursor = event.timeNano
          if (passes(event)) yield event
          continue
        }
        const leftMs = end / 1e6 - Date.now()
        if (closed || leftMs <= 0) return
        await new Promise<void>((resolve) => {
          subscriber.wake = resolve
          // Timers hold 31 bits of milliseconds; a later `until` is asked for again.
          if (leftMs !== Infinity) timer = setTimeout(resolve, Math.min(leftMs, 2 ** 31 - 1))
        })
        subscriber.wake = () => undefined
        clearTimeout(timer)
      }
    } finally {
      subscribers.delete(subscriber)
      signal?.removeEventListener('abort', wake)
      clearTimeout(timer)
    }
  }

  return {
    emit,
    stream,
    listeners: () => subscribers.size,
    close: async () => {
      closed = true
      for (const subscriber of subscribers) subscriber.wake()
      await journal.close()
    },
  }
}

/**
 * Nanoseconds since the epoch, later than `last` though the clock may stand still or go back. A double near 1.8e18 has
 * steps of 256, so times are whole microseconds.
 */
function nextTime(last: number): number {
  const now = Math.floor(wallClock() * 1000)
  return Math.max(now, Math.round(last / 1000) + 1) * 1000
}

/** A function, because the compiler takes a property read once for settled. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false
}
