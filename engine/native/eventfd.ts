import { check, native } from './addon.ts'
import { watchReadable } from './watch.ts'

interface EventfdCalls {
  eventfd(): number
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
  const fd = check('eventfd', native<EventfdCalls>().eventfd())
  const watch = watchReadable(fd, callback, { counts: true })
  watch.unref()
  return { fd, close: watch.cancel }
}
