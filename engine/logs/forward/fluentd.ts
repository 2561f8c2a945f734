import { randomBytes } from 'node:crypto'
import { UnavailableError } from '../../errors.ts'
import type { LogInfo } from '../info.ts'
import { extraAttributes } from '../info.ts'
import { DEFAULT_TAG, renderTag } from '../tag.ts'
import { parseFluentdOptions } from './fluentd-options.ts'
import { pack } from './msgpack.ts'
import type { Packable } from './msgpack.ts'
import type { LogEntry, LogSink } from './sink.ts'
import { StreamConnection } from './stream-connection.ts'

const ACK_TIMEOUT_MS = 30_000

/**
 * Sends lines by Fluentd's forward protocol, a batch as one message: `[tag, [[time, record], …], {chunk?, size}]`. With
 * `fluentd-request-ack` a batch counts as sent when the collector has answered `{"ack": chunk}`.
 *
 * @see https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
 * @see moby: daemon/logger/fluentd/fluentd.go for the record
 */
export function openFluentd(info: LogInfo): LogSink {
  const options = parseFluentdOptions(info.options)
  const { address } = options
  const tag = renderTag(info.options['tag'] || DEFAULT_TAG, info)
  const extra = Object.entries(extraAttributes(info))
  const connection = new StreamConnection({
    to: address,
    tls: address.scheme === 'tls' ? {} : undefined,
    about: `fluentd ${'path' in address ? address.path : `${address.scheme}://${address.host}:${String(address.port)}`}`,
  })
  const encode = ({ partial, stream, text, time }: LogEntry): Packable => {
    const seconds = Date.parse(`${time.slice(0, 19)}Z`) / 1000
    return [
      options.subSecond ? { seconds, nanoseconds: Number(time.slice(20, 29)) } : seconds,
      new Map<string, Packable>([
        ['container_id', info.id],
        ['container_name', `/${info.name}`],
        ['source', stream],
        ['log', text],
        ...extra,
        ...(partial ? partialFields(partial) : []),
      ]),
    ]
  }
  return {
    send: async (entries, signal) => {
      const chunk = options.requestAck ? randomBytes(16).toString('base64') : undefined
      const about = new Map<string, Packable>([['size', entries.length]])
      if (chunk !== undefined) about.set('chunk', chunk)
      if (options.reconnectMs > 0 && (connection.ageMs ?? 0) > options.reconnectMs)
        connection.close()
      await connection.send(pack([tag, entries.map(encode), about]), signal, {
        ...(options.writeTimeoutMs > 0 ? { timeoutMs: options.writeTimeoutMs } : {}),
      })
      if (chunk === undefined) return
      const answer = await connection.receive(signal, options.readTimeoutMs || ACK_TIMEOUT_MS)
      // a map of one string: the words are enough to know it by
      if (answer.includes(pack('ack')) && answer.includes(pack(chunk))) return
      connection.close()
      throw new UnavailableError('fluentd: the collector acknowledged something else')
    },
    close: () => {
      connection.close()
    },
  }
}

function partialFields({
  id,
  ordinal,
  last,
}: NonNullable<LogEntry['partial']>): [string, string][] {
  return [
    ['partial_message', 'true'],
    ['partial_id', id],
    ['partial_ordinal', String(ordinal)],
    ['partial_last', String(last)],
  ]
}
