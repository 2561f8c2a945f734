import { check, native } from './addon.ts'

interface EventfdCalls {
  eventfd(): number
  watchEventfd(fd: number, callback: () => void): unknown
  cancelEventfd(handle: unknown): number
}

export interface EventfdWatch {
  readonly fd: number
  /** Ends the watch and closes the descriptor. */
  close(): void
}

/**
 * An eventfd that calls back whenever something was added to it. It does not keep the event loop alive.
 *
 * @throws SystemError
 * @see eventfd(2)
 */
export function watchEventfd(callback: () => void): EventfdWatch {
  const calls = native<EventfdCalls>()
  const fd = check('eventfd', calls.eventfd())
  const handle = calls.watchEventfd(fd, callback)
  if (typeof handle === 'number') check('uv_poll_init', handle)
  return {
    fd,
    close: () => {
      calls.cancelEventfd(handle)
    },
  }
}
