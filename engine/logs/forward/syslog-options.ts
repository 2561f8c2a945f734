import fs from 'node:fs'
import { InvalidParameterError } from '../../errors.ts'
import { checkNames, splitHostPort } from '../option-values.ts'

export type SyslogAddress =
  | { scheme: 'unix' | 'unixgram'; path: string }
  | { scheme: 'udp' | 'tcp' | 'tcp+tls'; host: string; port: number }

export type SyslogFormat = '' | 'rfc3164' | 'rfc5424' | 'rfc5424micro'

export interface SyslogOptions {
  /** Undefined: the host's own. */
  address: SyslogAddress | undefined
  facility: number
  format: SyslogFormat
  tls: { ca?: string; cert?: string; key?: string; verify: boolean }
}

/** Where a host's own syslog listens, the first that is there. */
export const HOST_SYSLOG = ['/dev/log', '/var/run/syslog', '/var/run/log']

/** By their number. @see RFC 5424, section 6.2.1 */
const FACILITIES = [
  'kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp',
] // prettier-ignore

const FORMATS = ['', 'rfc3164', 'rfc5424', 'rfc5424micro']

const NAMES = [
  'syslog-address',
  'syslog-facility',
  'syslog-format',
  'syslog-tls-ca-cert',
  'syslog-tls-cert',
  'syslog-tls-key',
  'syslog-tls-skip-verify',
]

/** @throws INVALID_PARAMETER in Docker's words @see moby: daemon/logger/syslog/syslog.go */
export function checkSyslog(options: Record<string, string>): void {
  checkNames(options, NAMES, (name) => `unknown log opt '${name}' for syslog log driver`)
  const { address, tls } = parseSyslogOptions(options)
  if (address === undefined && !HOST_SYSLOG.some((name) => fs.existsSync(name))) {
    throw new InvalidParameterError(
      `Unix syslog delivery error: none of ${HOST_SYSLOG.join(', ')} is there; give a syslog-address`,
    )
  }
  if (address !== undefined && 'path' in address) requireFile(address.path)
  for (const file of [tls.ca, tls.cert, tls.key]) if (file !== undefined) requireFile(file)
}

/** @throws INVALID_PARAMETER in Docker's words */
export function parseSyslogOptions(options: Record<string, string>): SyslogOptions {
  const { 'syslog-tls-ca-cert': ca, 'syslog-tls-cert': cert, 'syslog-tls-key': key } = options
  return {
    address: parseAddress(options['syslog-address'] ?? ''),
    facility: parseFacility(options['syslog-facility'] ?? ''),
    format: parseFormat(options['syslog-format'] ?? ''),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      // as with Docker, its presence is what counts
      verify: options['syslog-tls-skip-verify'] === undefined,
    },
  }
}

function parseAddress(address: string): SyslogAddress | undefined {
  if (address === '') return undefined
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/.exec(address) ?? []
  switch (scheme) {
    case 'unix':
    case 'unixgram':
      return { scheme, path: rest }
    case 'udp':
    case 'tcp':
    case 'tcp+tls': {
      const place = splitHostPort(rest.replace(/\/$/, ''), 514)
      if (!place) throw new InvalidParameterError(`invalid syslog-address: ${address}`)
      return { scheme, ...place, host: place.host === '' ? 'localhost' : place.host }
    }
    default:
      throw new InvalidParameterError(
        scheme === ''
          ? `syslog-address should be in form proto://address, got ${address}`
          : `unsupported scheme: '${scheme}'`,
      )
  }
}

function parseFacility(facility: string): number {
  if (facility === '') return FACILITIES.indexOf('daemon')
  const local = /^local([0-7])$/.exec(facility)?.[1]
  if (local !== undefined) return 16 + Number(local)
  const named = FACILITIES.indexOf(facility)
  if (named !== -1) return named
  if (/^\d+$/.test(facility) && Number(facility) <= 23) return Number(facility)
  throw new InvalidParameterError('invalid syslog facility')
}

function parseFormat(format: string): SyslogFormat {
  if (!FORMATS.includes(format)) throw new InvalidParameterError('Invalid syslog format')
  return format as SyslogFormat
}

function requireFile(file: string): void {
  try {
    fs.statSync(file)
  } catch (cause) {
    throw new InvalidParameterError(`stat ${file}: no such file or directory`, { cause })
  }
}
