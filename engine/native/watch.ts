import { check, native } from './addon.ts'
import { closeFd } from './process.ts'

interface WatchCalls {
  watch(fd: number, callback: () => void, counts: boolean): unknown
  cancelWatch(handle: unknown): number
  unrefWatch(handle: unknown): number
}

export interface Watch {
  /** Ends the watch and closes the descriptor; harmless when it is over. */
  cancel: () => void
  /** The watch alone does not keep the event loop alive any longer. */
  unref: () => void
}

/**
 * Calls back when a descriptor is readable: once, or, of an eventfd (`counts`), each time something was added. The watch
 * owns the descriptor from here on.
 *
 * @throws SystemError; the descriptor is closed then
 */
export function watchReadable(
  fd: number,
  callback: () => void,
  options: { counts: boolean },
): Watch {
  const calls = native<WatchCalls>()
  const handle = calls.watch(fd, callback, options.counts)
  if (typeof handle === 'number') {
    closeFd(fd)
    check('uv_poll_init', handle)
  }
  return {
    cancel: () => {
      calls.cancelWatch(handle)
    },
    unref: () => {
      calls.unrefWatch(handle)
    },
  }
}
