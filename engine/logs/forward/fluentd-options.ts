import { InvalidParameterError } from '../../errors.ts'
import { parseSize } from '../../size.ts'
import { checkNames, parseBool, parseDurationMs, splitHostPort } from '../option-values.ts'
import { FOR_EVER } from './sink.ts'
import type { RetryPolicy } from './sink.ts'

export interface FluentdOptions {
  address: { scheme: 'unix'; path: string } | { scheme: 'tcp' | 'tls'; host: string; port: number }
  /** Times with nanoseconds instead of whole seconds. */
  subSecond: boolean
  /** The collector answers each batch once it has it for good. */
  requestAck: boolean
  /** A connection is replaced by a new one after this; 0: never. */
  reconnectMs: number
  /** 0: the connection's own. */
  writeTimeoutMs: number
  readTimeoutMs: number
  retry: RetryPolicy
}

const NAMES = [
  'fluentd-address',
  'fluentd-async',
  'fluentd-async-reconnect-interval',
  'fluentd-buffer-limit',
  'fluentd-max-retries',
  'fluentd-request-ack',
  'fluentd-retry-wait',
  'fluentd-sub-second-precision',
  'fluentd-write-timeout',
  'fluentd-read-timeout',
]

/** @throws INVALID_PARAMETER in Docker's words @see moby: daemon/logger/fluentd/fluentd.go */
export function checkFluentd(options: Record<string, string>): void {
  checkNames(options, NAMES, (name) => `unknown log opt '${name}' for fluentd log driver`)
  parseFluentdOptions(options)
}

/**
 * `fluentd-async` is read and makes no difference: a start never waits for the collector. `fluentd-buffer-limit` is for
 * the copy on this host (options.ts).
 *
 * @throws INVALID_PARAMETER in Docker's words
 */
export function parseFluentdOptions(options: Record<string, string>): FluentdOptions {
  const given = (name: string): string | undefined =>
    options[name] === '' ? undefined : options[name]
  const flag = (name: string): boolean => parseBool(given(name) ?? 'false', name)
  const durationMs = (name: string): number => parseDurationMs(given(name) ?? '0', name)
  flag('fluentd-async')
  parseSize(given('fluentd-buffer-limit') ?? '0')
  const reconnectMs = durationMs('fluentd-async-reconnect-interval')
  if (reconnectMs !== 0 && (reconnectMs < 100 || reconnectMs > 10_000)) {
    throw new InvalidParameterError(
      `invalid value for fluentd-async-reconnect-interval: value (${JSON.stringify(options['fluentd-async-reconnect-interval'])}) must be between 100ms and 10s`,
    )
  }
  const retries = given('fluentd-max-retries')
  if (retries !== undefined && !(/^\d{1,10}$/.test(retries) && Number(retries) < 2 ** 31))
    throw new InvalidParameterError('invalid fluentd-max-retries: value out of range')
  const wait = given('fluentd-retry-wait')
  return {
    address: parseAddress(options['fluentd-address'] ?? ''),
    subSecond: flag('fluentd-sub-second-precision'),
    requestAck: flag('fluentd-request-ack'),
    reconnectMs,
    writeTimeoutMs: durationMs('fluentd-write-timeout'),
    readTimeoutMs: durationMs('fluentd-read-timeout'),
    retry: {
      firstDelayMs:
        wait === undefined ? FOR_EVER.firstDelayMs : parseDurationMs(wait, 'fluentd-retry-wait'),
      maxTries: retries === undefined ? FOR_EVER.maxTries : Number(retries) + 1,
    },
  }
}

function parseAddress(text: string): FluentdOptions['address'] {
  const failure = (what: string): InvalidParameterError =>
    new InvalidParameterError(`invalid fluentd-address (${text}): ${what}`)
  const [, scheme, rest = ''] =
    /^([a-z]+):\/\/(.*)$/.exec(text.includes('://') ? text : `tcp://${text}`) ?? []
  if (scheme === 'unix') {
    if (rest.replace(/^\/+/, '') === '') throw failure('path is empty')
    return { scheme, path: rest }
  }
  if (scheme !== 'tcp' && scheme !== 'tls') throw failure(`unsupported scheme: '${scheme ?? ''}'`)
  if (rest.includes('/')) throw failure('should not contain a path element')
  const place = splitHostPort(rest, 24224)
  if (!place) throw failure('invalid port')
  return { scheme, ...place, host: place.host === '' ? '127.0.0.1' : place.host }
}
