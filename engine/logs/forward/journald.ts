import { randomBytes } from 'node:crypto'
import type { LogInfo } from '../info.ts'
import { extraAttributes } from '../info.ts'
import { DEFAULT_TAG, renderTag } from '../tag.ts'
import { UnixDatagrams } from './datagrams.ts'
import type { LogEntry, LogSink } from './sink.ts'

const PRIORITY = { stdout: '6', stderr: '3' }

/**
 * Sends lines to systemd's journal by its native protocol, a datagram each: `NAME=value\n` for every field, and for a
 * value with a newline in it `NAME\n`, u64le length, value, `\n`.
 *
 * @see https://systemd.io/JOURNAL_NATIVE_PROTOCOL
 * @see moby: daemon/logger/journald/journald.go for the fields
 */
export function openJournald(info: LogInfo, socket: string): LogSink {
  const tag = renderTag(info.options['tag'] || DEFAULT_TAG, info)
  const common = fields({
    CONTAINER_ID: info.id.slice(0, 12),
    CONTAINER_ID_FULL: info.id,
    CONTAINER_NAME: info.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: info.imageName,
    SYSLOG_IDENTIFIER: tag,
    CONTAINER_LOG_EPOCH: randomBytes(32).toString('hex'),
    ...extraAttributes(info, journalField),
  })
  const connection = new UnixDatagrams(socket)
  let ordinal = 0
  const encode = ({ partial, stream, text, time }: LogEntry): Buffer => {
    ordinal++
    const own = fields({
      MESSAGE: text,
      PRIORITY: PRIORITY[stream],
      SYSLOG_TIMESTAMP: time,
      CONTAINER_LOG_ORDINAL: String(ordinal),
      ...(partial && {
        CONTAINER_PARTIAL_ID: partial.id,
        CONTAINER_PARTIAL_ORDINAL: String(partial.ordinal),
        CONTAINER_PARTIAL_LAST: String(partial.last),
        ...(partial.last ? {} : { CONTAINER_PARTIAL_MESSAGE: 'true' }),
      }),
    })
    return Buffer.concat([own, common])
  }
  return {
    send: (entries, signal) => connection.send(entries.map(encode), signal),
    close: () => {
      connection.close()
    },
  }
}

function fields(values: Record<string, string>): Buffer {
  return Buffer.concat(Object.entries(values).map(([name, value]) => field(name, value)))
}

function field(name: string, value: string): Buffer {
  if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`)
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')])
}

/** Capital letters, digits and underscores, none of these in front. */
function journalField(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '')
}
