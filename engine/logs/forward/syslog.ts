import fs from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { secureContextOf } from '../../secure-context.ts'
import type { LogInfo } from '../info.ts'
import { DEFAULT_TAG, renderTag } from '../tag.ts'
import { UdpDatagrams, UnixDatagrams } from './datagrams.ts'
import type { LogEntry, LogSink } from './sink.ts'
import { StreamConnection } from './stream-connection.ts'
import { HOST_SYSLOG, parseSyslogOptions } from './syslog-options.ts'
import type { SyslogFormat, SyslogOptions } from './syslog-options.ts'

const INFO = 6
const ERROR = 3

/** Sends lines as syslog messages, stdout as info and stderr as err; empty lines are left out, as Docker does. */
export function openSyslog(info: LogInfo): LogSink {
  const options = parseSyslogOptions(info.options)
  const tag = renderTag(info.options['tag'] || DEFAULT_TAG, info)
  const counted = options.format.startsWith('rfc5424') && options.address?.scheme === 'tcp+tls'
  const encode = (entry: LogEntry): Buffer => {
    const severity = entry.stream === 'stderr' ? ERROR : INFO
    const message = Buffer.from(
      `<${String(options.facility * 8 + severity)}>${head(options.format, entry.time, info.hostname, tag)}${entry.text}\n`,
    )
    // RFC 5425: each message behind its length
    return counted ? Buffer.concat([Buffer.from(`${String(message.length)} `), message]) : message
  }
  const transport = openTransport(options)
  return {
    send: (entries, signal) =>
      transport.send(entries.filter(({ text }) => text !== '').map(encode), signal),
    close: () => {
      transport.close()
    },
  }
}

/** What stands between the priority and the text. @see moby: daemon/logger/syslog/syslog.go and RackSec/srslog */
function head(format: SyslogFormat, time: string, hostname: string, tag: string): string {
  const pid = String(process.pid)
  switch (format) {
    case '':
      return `${stamp(time)} ${tag}[${pid}]: `
    case 'rfc3164':
      return `${stamp(time)} ${hostname} ${tag}[${pid}]: `
    case 'rfc5424':
      return `1 ${time.slice(0, 19)}Z ${hostname} ${tag} ${pid} ${tag} - `
    case 'rfc5424micro':
      return `1 ${time.slice(0, 26)}Z ${hostname} ${tag} ${pid} ${tag} - `
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
let lastSecond = ''
let lastStamp = ''

/** `Nov  6 21:14:09` in the host's own time zone: RFC 3164 has none. */
function stamp(time: string): string {
  const second = time.slice(0, 19)
  if (second === lastSecond) return lastStamp
  const date = new Date(`${second}Z`)
  const two = (value: number): string => String(value).padStart(2, '0')
  lastSecond = second
  lastStamp = `${MONTHS[date.getMonth()] ?? ''} ${String(date.getDate()).padStart(2)} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return lastStamp
}

interface Transport {
  send(messages: Buffer[], signal: AbortSignal): Promise<void>
  close(): void
}

function openTransport({ address, tls }: SyslogOptions): Transport {
  if (address === undefined) {
    return new UnixDatagrams(HOST_SYSLOG.find((name) => fs.existsSync(name)) ?? '/dev/log')
  }
  switch (address.scheme) {
    case 'unixgram':
      return new UnixDatagrams(address.path)
    case 'unix':
      return overStream(new StreamConnection({ to: address, about: address.path }))
    case 'udp':
      return new UdpDatagrams(address)
    case 'tcp':
    case 'tcp+tls': {
      const about = `${address.scheme}://${address.host}:${String(address.port)}`
      const secure = address.scheme === 'tcp+tls' ? tlsOptions(tls) : undefined
      return overStream(new StreamConnection({ to: address, tls: secure, about }))
    }
  }
}

function overStream(connection: StreamConnection): Transport {
  return {
    send: async (messages, signal) => {
      if (messages.length > 0) await connection.send(Buffer.concat(messages), signal)
    },
    close: () => {
      connection.close()
    },
  }
}

function tlsOptions({ ca, cert, key, verify }: SyslogOptions['tls']): ConnectionOptions {
  const read = (file: string | undefined): Buffer[] =>
    file === undefined ? [] : [fs.readFileSync(file)]
  return {
    secureContext: secureContextOf({ ca: read(ca), cert: read(cert), key: read(key) }),
    rejectUnauthorized: verify,
  }
}
