import type { LogInfo } from '../info.ts'
import { openFluentd } from './fluentd.ts'
import { parseFluentdOptions } from './fluentd-options.ts'
import { openGelf } from './gelf.ts'
import { parseGelfOptions } from './gelf-options.ts'
import { openJournald } from './journald.ts'
import type { LogSink, RetryPolicy } from './sink.ts'
import { FOR_EVER } from './sink.ts'
import { openSyslog } from './syslog.ts'

/**
 * Where a driver sends a container's lines; undefined for the drivers that send nothing.
 *
 * @throws INVALID_PARAMETER when an option is wrong, which the creation of the container has ruled out
 */
export function sinkOf(
  driver: string,
  info: LogInfo,
  journaldSocket: string,
): { open: () => LogSink; retry: RetryPolicy } | undefined {
  switch (driver) {
    case 'syslog':
      return { open: () => openSyslog(info), retry: FOR_EVER }
    case 'journald':
      return { open: () => openJournald(info, journaldSocket), retry: FOR_EVER }
    case 'gelf':
      return { open: () => openGelf(info), retry: parseGelfOptions(info.options).retry }
    case 'fluentd':
      return { open: () => openFluentd(info), retry: parseFluentdOptions(info.options).retry }
    default:
      return undefined
  }
}
