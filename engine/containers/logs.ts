import type { Readable } from 'node:stream'
import type { LogsOptions } from '../contract/containers.ts'
import { ConflictError, NotImplementedError } from '../errors.ts'
import { localCopyOf } from '../logs/options.ts'
import { readLogs } from '../logs/read.ts'
import type { Container } from './container.ts'
import { logSettings } from './log-target.ts'
import { isRunning } from './state.ts'

/**
 * What a container has printed, and with `follow` what it prints until it ends.
 *
 * @throws NOT_IMPLEMENTED when nothing is kept that could be read
 * @throws CONFLICT when it is being removed
 * @see GET /containers/{id}/logs
 */
export function containerLogs(
  container: Container,
  options: LogsOptions,
  signal?: AbortSignal,
): { stream: Readable; tty: boolean } {
  requireReadableLog(container)
  let end: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  container.events.once('ended', end)
  const stream = readLogs(
    {
      path: container.logPath,
      tty: container.tty,
      options,
      running: isRunning(container.status),
      ended,
    },
    signal,
  )
  // a container that runs for months is asked for its log many times
  stream.once('close', () => container.events.off('ended', end))
  return { stream, tty: container.tty }
}

/** @throws NOT_IMPLEMENTED, CONFLICT in Docker's words */
export function requireReadableLog(container: Container): void {
  if (container.status === 'removing' || container.status === 'dead') {
    throw new ConflictError('can not get logs from container which is dead or marked for removal')
  }
  if (localCopyOf(logSettings(container))?.readable !== true)
    throw new NotImplementedError('configured logging driver does not support reading')
}
