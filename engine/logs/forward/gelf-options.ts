import { InvalidParameterError } from '../../errors.ts'
import { checkNames, splitHostPort } from '../option-values.ts'
import { FOR_EVER } from './sink.ts'
import type { RetryPolicy } from './sink.ts'

export interface GelfOptions {
  scheme: 'udp' | 'tcp'
  host: string
  port: number
  /** UDP only. */
  compression: 'gzip' | 'zlib' | 'none'
  /** zlib's, -1 for its default. */
  level: number
  retry: RetryPolicy
}

const NAMES = [
  'gelf-address',
  'gelf-compression-level',
  'gelf-compression-type',
  'gelf-tcp-max-reconnect',
  'gelf-tcp-reconnect-delay',
]

/** @throws INVALID_PARAMETER in Docker's words @see moby: daemon/logger/gelf/gelf.go */
export function checkGelf(options: Record<string, string>): void {
  parseGelfOptions(options)
  checkNames(
    options,
    NAMES,
    (name) => `unknown log opt ${JSON.stringify(name)} for gelf log driver`,
  )
}

/** @throws INVALID_PARAMETER in Docker's words */
export function parseGelfOptions(options: Record<string, string>): GelfOptions {
  const place = parseAddress(options['gelf-address'] ?? '')
  for (const name of ['gelf-compression-level', 'gelf-compression-type']) {
    if (options[name] !== undefined && place.scheme !== 'udp')
      throw new InvalidParameterError('compression is only supported on UDP')
  }
  for (const name of ['gelf-tcp-max-reconnect', 'gelf-tcp-reconnect-delay']) {
    if (options[name] === undefined) continue
    if (place.scheme !== 'tcp') throw new InvalidParameterError(`"${name}" is only valid for TCP`)
    if (!/^\d{1,9}$/.test(options[name]))
      throw new InvalidParameterError(`"${name}" must be a positive integer`)
  }
  const compression = options['gelf-compression-type'] ?? 'gzip'
  if (compression !== 'gzip' && compression !== 'zlib' && compression !== 'none')
    throw unknownValue('gelf-compression-type', compression)
  // as Docker: the fastest
  const level = options['gelf-compression-level'] ?? '1'
  if (!/^(-1|\d)$/.test(level)) throw unknownValue('gelf-compression-level', level)
  const delay = options['gelf-tcp-reconnect-delay']
  const tries = options['gelf-tcp-max-reconnect']
  return {
    ...place,
    compression,
    level: Number(level),
    retry: {
      firstDelayMs: delay === undefined ? FOR_EVER.firstDelayMs : Number(delay) * 1000,
      maxTries: tries === undefined ? FOR_EVER.maxTries : Number(tries) + 1,
    },
  }
}

function parseAddress(address: string): { scheme: 'udp' | 'tcp'; host: string; port: number } {
  if (address === '') throw new InvalidParameterError('gelf-address is a required parameter')
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? []
  if (scheme !== 'udp' && scheme !== 'tcp')
    throw new InvalidParameterError('gelf: endpoint needs to be TCP or UDP')
  const place = splitHostPort(rest.replace(/\/$/, ''))
  if (!place) {
    throw new InvalidParameterError('gelf: please provide gelf-address as proto://host:port')
  }
  return { scheme, ...place, host: place.host === '' ? 'localhost' : place.host }
}

function unknownValue(name: string, value: string): InvalidParameterError {
  return new InvalidParameterError(
    `unknown value ${JSON.stringify(value)} for log opt "${name}" for gelf log driver`,
  )
}
