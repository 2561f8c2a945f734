/** One line of a container, or a piece of a line that was longer than 16 KiB. */
export interface LogEntry {
  stream: 'stdout' | 'stderr'
  /** Without the newline. */
  text: string
  /** RFC 3339 in UTC with nine digits of fraction. */
  time: string
  partial?: { id: string; ordinal: number; last: boolean }
}

/** Where a driver sends lines. One batch is under way at a time. */
export interface LogSink {
  /**
   * Hands lines over in their order. Resolves once the other side has them, as far as its protocol can tell.
   *
   * @throws when they are to be sent again
   */
  send(entries: LogEntry[], signal: AbortSignal): Promise<void>
  close(): void
}

/** How a driver's options want failed sends to be tried again. */
export interface RetryPolicy {
  /** Before the second try; it doubles from there. */
  firstDelayMs: number
  /** Tries after which lines are given up; Infinity: never. */
  maxTries: number
}

export const FOR_EVER: RetryPolicy = { firstDelayMs: 200, maxTries: Infinity }
