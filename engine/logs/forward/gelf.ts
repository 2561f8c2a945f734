import { randomBytes } from 'node:crypto'
import { deflateSync, gzipSync } from 'node:zlib'
import type { LogInfo } from '../info.ts'
import { extraAttributes } from '../info.ts'
import { DEFAULT_TAG, renderTag } from '../tag.ts'
import { UdpDatagrams } from './datagrams.ts'
import { parseGelfOptions } from './gelf-options.ts'
import type { GelfOptions } from './gelf-options.ts'
import type { LogEntry, LogSink } from './sink.ts'
import { StreamConnection } from './stream-connection.ts'

const LEVEL = { stdout: 6, stderr: 3 }

/**
 * Sends lines in Graylog's format: one datagram each, compressed, or by TCP with a NUL behind each. Empty lines are
 * left out: a message must have one.
 *
 * @see https://go2docs.graylog.org/current/getting_in_log_data/gelf.html
 * @see moby: daemon/logger/gelf/gelf.go for the fields
 */
export function openGelf(info: LogInfo): LogSink {
  const options = parseGelfOptions(info.options)
  const extra = {
    _container_id: info.id,
    _container_name: info.name,
    _image_id: info.imageId,
    _image_name: info.imageName,
    _command: [info.entrypoint, ...info.args].join(' '),
    _tag: renderTag(info.options['tag'] || DEFAULT_TAG, info),
    _created: info.created,
    ...extraAttributes(info, (name) => (name.startsWith('_') ? name : `_${name}`)),
  }
  const encode = ({ stream, text, time }: LogEntry): Buffer =>
    Buffer.from(
      JSON.stringify({
        version: '1.1',
        host: info.hostname,
        short_message: text,
        // milliseconds; a double has no room for more
        timestamp: Date.parse(`${time.slice(0, 23)}Z`) / 1000,
        level: LEVEL[stream],
        ...extra,
      }),
    )
  const messages = (entries: LogEntry[]): Buffer[] =>
    entries.filter(({ text }) => text !== '').map(encode)
  if (options.scheme === 'tcp') {
    const about = `gelf tcp://${options.host}:${String(options.port)}`
    const connection = new StreamConnection({ to: options, about })
    return {
      send: async (entries, signal) => {
        const bytes = messages(entries).flatMap((message) => [message, NUL])
        if (bytes.length > 0) await connection.send(Buffer.concat(bytes), signal)
      },
      close: () => {
        connection.close()
      },
    }
  }
  const connection = new UdpDatagrams(options)
  return {
    send: (entries, signal) =>
      connection.send(
        messages(entries).flatMap((message) => chunks(compressed(message, options))),
        signal,
      ),
    close: () => {
      connection.close()
    },
  }
}

const NUL = Buffer.alloc(1)
/** A datagram that most paths carry whole. */
const CHUNK_BYTES = 1420
const CHUNK_HEAD_BYTES = 12
const MOST_CHUNKS = 128

function compressed(message: Buffer, { compression, level }: GelfOptions): Buffer {
  if (compression === 'none') return message
  return compression === 'gzip' ? gzipSync(message, { level }) : deflateSync(message, { level })
}

/**
 * A message as one datagram, or as several:
 *
 *   offset size field
 *   0      2    0x1e 0x0f
 *   2      8    what is the same for all of a message
 *   10     1    number of the chunk
 *   11     1    how many there are, at most 128
 */
function chunks(message: Buffer): Buffer[] {
  if (message.length <= CHUNK_BYTES) return [message]
  const room = CHUNK_BYTES - CHUNK_HEAD_BYTES
  const count = Math.ceil(message.length / room)
  // no line of 16 KiB grows as large; attributes might
  if (count > MOST_CHUNKS) return []
  const id = randomBytes(8)
  return Array.from({ length: count }, (_, number) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([number, count]),
      message.subarray(number * room, (number + 1) * room),
    ]),
  )
}
