import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gunzipSync, inflateSync } from 'node:zlib'
import { compressRotated } from '../../../engine/logs/compress.ts'
import { Forwarder } from '../../../engine/logs/forward/forwarder.ts'
import { sinkOf } from '../../../engine/logs/forward/open-sink.ts'
import type { LogInfo } from '../../../engine/logs/info.ts'
import { EXAMPLE_INFO } from '../../../engine/logs/info.ts'
import type { Collector } from '../../helpers/collectors.ts'
import {
  COLLECTOR_TLS,
  collectStream,
  collectUdp,
  collectUnixDatagrams,
  unpackAll,
} from '../../helpers/collectors.ts'

const INFO: LogInfo = {
  ...EXAMPLE_INFO,
  id: 'c0ffee'.padEnd(64, '0'),
  name: 'web',
  entrypoint: 'sh',
  args: ['-c', 'run'],
  imageName: 'busybox:1',
  env: ['TIER=front', 'SECRET=x'],
  labels: { 'com.example/team': 'red', other: 'y' },
  hostname: 'box',
}
const CHOSEN = { env: 'TIER', labels: 'com.example/team' }
const SECOND = Date.UTC(2026, 10, 6, 8, 5, 9) / 1000

/** `time` of the n-th line, a millisecond after the one before. */
function time(number: number): string {
  const iso = new Date(SECOND * 1000 + number).toISOString()
  return iso.replace('Z', '123456Z')
}

function line(text: string, number: number, stream = 'stdout'): string {
  return `{"log":${JSON.stringify(text)},"stream":"${stream}","time":"${time(number)}"}\n`
}

function numbered(from: number, to: number): string {
  let all = ''
  for (let number = from; number < to; number++) all += line(`line ${String(number)}\n`, number)
  return all
}

describe('a log that is sent on', () => {
  let dir = ''
  let logPath = ''
  let end = (): void => undefined
  let warnings: string[] = []
  let forwarders: Forwarder[] = []
  let collectors: Collector[] = []

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    logPath = path.join(dir, 'x-json.log')
    warnings = []
    forwarders = []
    collectors = []
  })
  afterEach(async () => {
    for (const forwarder of forwarders) await forwarder.stop()
    for (const collector of collectors) await collector.close()
    fs.rmSync(dir, { recursive: true, force: true })
  })

  function keep<T extends Collector>(collector: T): T {
    collectors.push(collector)
    return collector
  }

  function forward(driver: string, options: Record<string, string>, ended?: Promise<unknown>) {
    const sink = sinkOf(driver, { ...INFO, options }, path.join(dir, 'journal'))
    assert.ok(sink)
    const running = new Promise<void>((resolve) => (end = resolve))
    const forwarder = new Forwarder(
      {
        logPath,
        positionPath: path.join(dir, 'sent'),
        about: 'the log',
        ...sink,
        warn: (message) => warnings.push(message),
      },
      ended ?? running,
    )
    forwarders.push(forwarder)
    return forwarder
  }

  const write = (text: string): void => {
    fs.appendFileSync(logPath, text)
  }
  const over = Promise.resolve()

  describe('syslog', () => {
    it('has a datagram for each line in the format asked for, without empty lines', async () => {
      const udp = keep(await collectUdp())
      write(line('out\n', 1) + line('\n', 2) + line('err\n', 3, 'stderr'))
      const address = `udp://127.0.0.1:${String(udp.port)}`
      const pid = String(process.pid)
      const tag = INFO.id.slice(0, 12)
      const local = new Date(SECOND * 1000)
      const stamp = `Nov ${String(local.getDate()).padStart(2)} ${local.toTimeString().slice(0, 8)}`
      const send = async (options: Record<string, string>): Promise<string[]> => {
        udp.received.length = 0
        fs.rmSync(path.join(dir, 'sent'), { force: true })
        await forward('syslog', { 'syslog-address': address, ...options }, over).done
        await udp.until(({ received }) => received.length === 2)
        return udp.received.map(String)
      }
      assert.deepEqual(await send({}), [
        `<30>${stamp} ${tag}[${pid}]: out\n`,
        `<27>${stamp} ${tag}[${pid}]: err\n`,
      ])
      assert.deepEqual(
        await send({
          'syslog-format': 'rfc3164',
          'syslog-facility': 'local7',
          tag: '{{.DaemonName}}/{{.Name}}',
        }),
        [
          `<190>${stamp} box docker/web[${pid}]: out\n`,
          `<187>${stamp} box docker/web[${pid}]: err\n`,
        ],
      )
      assert.deepEqual(
        await send({ 'syslog-format': 'rfc5424', 'syslog-facility': '1', tag: 't' }),
        [
          `<14>1 2026-11-06T08:05:09Z box t ${pid} t - out\n`,
          `<11>1 2026-11-06T08:05:09Z box t ${pid} t - err\n`,
        ],
      )
      assert.deepEqual(await send({ 'syslog-format': 'rfc5424micro', tag: 't' }), [
        `<30>1 2026-11-06T08:05:09.001123Z box t ${pid} t - out\n`,
        `<27>1 2026-11-06T08:05:09.003123Z box t ${pid} t - err\n`,
      ])
    })

    it('counts the bytes of each message over TLS, and refuses a collector that it cannot trust', async () => {
      const server = keep(await collectStream({ tls: true }))
      const options = {
        'syslog-address': `tcp+tls://127.0.0.1:${String(server.port)}`,
        'syslog-format': 'rfc5424',
        tag: 't',
      }
      write(line('grüß\n', 1))
      const distrustful = forward('syslog', options, over)
      while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      assert.match(warnings[0] ?? '', /the log cannot be sent, tried again: .*certificate/)
      assert.equal(server.text(), '')
      await distrustful.stop()
      const trusting = { ...options, 'syslog-tls-ca-cert': path.join(COLLECTOR_TLS, 'cert.pem') }
      await forward('syslog', trusting, over).done
      const message = `<30>1 2026-11-06T08:05:09Z box t ${String(process.pid)} t - grüß\n`
      await server.until(({ text }) => text() !== '')
      assert.equal(server.text(), `${String(Buffer.byteLength(message))} ${message}`)
    })

    it('waits for a unix socket whose queue is full, losing nothing', async () => {
      const socket = path.join(dir, 'dev-log')
      const unix = keep(await collectUnixDatagrams(socket))
      write(numbered(0, 3000))
      await forward('syslog', { 'syslog-address': `unixgram://${socket}` }, over).done
      await unix.until(({ received }) => received.length === 3000)
      assert.deepEqual(
        unix.received.map((message) => /line \d+/.exec(message.toString())?.[0]),
        Array.from({ length: 3000 }, (_, number) => `line ${String(number)}`),
      )
    })

    it('sends every line in order over a collector that goes away and comes back', async () => {
      let server = keep(await collectStream())
      const { port } = server
      const forwarder = forward('syslog', { 'syslog-address': `tcp://127.0.0.1:${String(port)}` })
      write(numbered(0, 500))
      await server.until(({ text }) => text().includes('line 499\n'))
      const before = server.text()
      await server.close()
      write(numbered(500, 1500))
      while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      write(numbered(1500, 3000))
      server = await collectStream({ port })
      collectors = [server]
      end()
      await forwarder.done
      await server.until(({ text }) => text().includes('line 2999\n'))
      const numbers = [...`${before}${server.text()}`.matchAll(/line (\d+)\n/g)].map(([, n]) =>
        Number(n),
      )
      assert.deepEqual(
        [...new Set(numbers)],
        Array.from({ length: 3000 }, (_, number) => number),
      )
      assert.match(warnings.join('\n'), /cannot be sent, tried again: tcp:[^]*is sent again/)
    })
  })

  describe('journald', () => {
    it('gets the fields of Docker, pieces of long lines marked as such', async () => {
      const journal = keep(await collectUnixDatagrams(path.join(dir, 'journal')))
      write(
        line('hello\n', 1) +
          line('x'.repeat(16384), 2, 'stderr') +
          line('out\nside\n', 3) +
          line('rest\n', 4, 'stderr'),
      )
      await forward('journald', { ...CHOSEN, tag: '{{.Name}}' }, over).done
      await journal.until(({ received }) => received.length === 4)
      const [hello, piece, lines, rest] = journal.received.map(journalFields)
      const { CONTAINER_LOG_EPOCH, ...fields } = hello ?? {}
      assert.match(CONTAINER_LOG_EPOCH ?? '', /^[0-9a-f]{64}$/)
      assert.deepEqual(fields, {
        MESSAGE: 'hello',
        PRIORITY: '6',
        SYSLOG_TIMESTAMP: time(1),
        CONTAINER_LOG_ORDINAL: '1',
        CONTAINER_ID: INFO.id.slice(0, 12),
        CONTAINER_ID_FULL: INFO.id,
        CONTAINER_NAME: 'web',
        CONTAINER_TAG: 'web',
        IMAGE_NAME: 'busybox:1',
        SYSLOG_IDENTIFIER: 'web',
        COM_EXAMPLE_TEAM: 'red',
        TIER: 'front',
      })
      assert.equal(lines?.['MESSAGE'], 'out\nside')
      assert.equal(piece?.['MESSAGE']?.length, 16384)
      assert.equal(piece['PRIORITY'], '3')
      const partial = (of: Record<string, string> | undefined) => [
        of?.['CONTAINER_PARTIAL_MESSAGE'],
        of?.['CONTAINER_PARTIAL_ORDINAL'],
        of?.['CONTAINER_PARTIAL_LAST'],
      ]
      assert.deepEqual(partial(piece), ['true', '1', 'false'])
      assert.deepEqual(partial(rest), [undefined, '2', 'true'])
      assert.equal(rest?.['CONTAINER_PARTIAL_ID'], piece['CONTAINER_PARTIAL_ID'])
    })
  })

  describe('gelf', () => {
    const expected = {
      version: '1.1',
      host: 'box',
      timestamp: SECOND + 0.001,
      level: 6,
      _container_id: INFO.id,
      _container_name: 'web',
      _image_id: INFO.imageId,
      _image_name: 'busybox:1',
      _command: 'sh -c run',
      _tag: INFO.id.slice(0, 12),
      _created: INFO.created,
      _TIER: 'front',
      '_com.example/team': 'red',
    }

    it('is a compressed datagram for each line, in chunks when it is long', async () => {
      const udp = keep(await collectUdp())
      // what cannot be compressed
      const long = Array.from({ length: 9000 }, (_, n) =>
        String.fromCharCode(33 + ((n * 7919 + ((n * n) % 104729)) % 90)),
      ).join('')
      write(line('short\n', 1) + line(`${long}\n`, 1.5) + line('e\n', 3, 'stderr'))
      const options = { 'gelf-address': `udp://127.0.0.1:${String(udp.port)}`, ...CHOSEN }
      await forward('gelf', options, over).done
      await udp.until(({ received }) => received.length >= 4)
      const [first = Buffer.alloc(0), ...others] = udp.received
      assert.deepEqual(JSON.parse(gunzipSync(first).toString()), {
        ...expected,
        short_message: 'short',
      })
      const chunks = others.slice(0, -1)
      const id = chunks[0]?.subarray(2, 10)
      for (const [number, chunk] of chunks.entries()) {
        assert.ok(chunk.length <= 1420)
        assert.deepEqual([...chunk.subarray(0, 2)], [0x1e, 0x0f])
        assert.deepEqual(chunk.subarray(2, 10), id)
        assert.deepEqual([...chunk.subarray(10, 12)], [number, chunks.length])
      }
      const whole = gunzipSync(Buffer.concat(chunks.map((chunk) => chunk.subarray(12))))
      assert.equal(JSON.parse(whole.toString()).short_message, long)
      assert.equal(JSON.parse(gunzipSync(others.at(-1) ?? first).toString()).level, 3)
    })

    it('is compressed as asked', async () => {
      const udp = keep(await collectUdp())
      write(line('a\n', 1))
      const address = { 'gelf-address': `udp://127.0.0.1:${String(udp.port)}` }
      for (const [type, unpack] of [
        ['zlib', inflateSync],
        ['none', (bytes: Buffer) => bytes],
      ] as const) {
        udp.received.length = 0
        fs.rmSync(path.join(dir, 'sent'), { force: true })
        await forward('gelf', { ...address, 'gelf-compression-type': type }, over).done
        await udp.until(({ received }) => received.length === 1)
        const message = unpack(udp.received[0] ?? Buffer.alloc(0))
        assert.equal(JSON.parse(message.toString()).short_message, 'a')
      }
    })

    it('has a NUL behind each message over TCP', async () => {
      const server = keep(await collectStream())
      write(line('a\n', 1) + line('b\n', 2))
      await forward('gelf', { 'gelf-address': `tcp://127.0.0.1:${String(server.port)}` }, over).done
      await server.until(({ text }) => text().endsWith('\0') && text().includes('"b"'))
      const messages = server.text().split('\0').slice(0, -1)
      assert.deepEqual(
        messages.map((message) => JSON.parse(message).short_message),
        ['a', 'b'],
      )
    })

    it('gives lines up after as many tries as its options say', async () => {
      const server = await collectStream()
      await server.close()
      write(line('a\n', 1))
      const options = {
        'gelf-address': `tcp://127.0.0.1:${String(server.port)}`,
        'gelf-tcp-max-reconnect': '2',
        'gelf-tcp-reconnect-delay': '0',
      }
      await forward('gelf', options, over).done
      assert.match(warnings.join('\n'), /the log: 1 lines were given up after 3 tries/)
    })
  })

  describe('fluentd', () => {
    it('gets batches of records with the time of each line', async () => {
      const server = keep(await collectStream())
      write(line('out\n', 1) + line('x'.repeat(16384), 2, 'stderr') + line('rest\n', 3, 'stderr'))
      const address = { 'fluentd-address': `127.0.0.1:${String(server.port)}`, ...CHOSEN }
      await forward('fluentd', { ...address, tag: 'logs.{{.Name}}' }, over).done
      const values = () => unpackAll(server.received[0] ?? Buffer.alloc(0))
      await server.until(() => values().length > 0)
      const [message] = values() as [[string, [number, Record<string, string>][], unknown]]
      const [tag, entries, options] = message
      assert.equal(tag, 'logs.web')
      assert.deepEqual(options, { size: 3 })
      assert.deepEqual(entries[0], [
        SECOND,
        {
          container_id: INFO.id,
          container_name: '/web',
          source: 'stdout',
          log: 'out',
          TIER: 'front',
          'com.example/team': 'red',
        },
      ])
      const parts = entries.slice(1).map(([, record]) => record)
      assert.deepEqual(
        parts.map((record) => [record['partial_ordinal'], record['partial_last']]),
        [
          ['1', 'false'],
          ['2', 'true'],
        ],
      )
      assert.equal(parts[0]?.['partial_id'], parts[1]?.['partial_id'])
    })

    it('has nanoseconds and waits for acknowledgements when asked to', async () => {
      let silent = true
      const server = keep(
        await collectStream({
          answer: (chunk, socket) => {
            const [message] = unpackAll(chunk)
            const { chunk: id } = (message as [string, unknown, { chunk: string }])[2]
            if (!silent) {
              socket.write(
                Buffer.concat([Buffer.from([0x81, 0xa3]), Buffer.from('ack'), packed(id)]),
              )
            }
          },
        }),
      )
      write(line('a\n', 1))
      const forwarder = forward(
        'fluentd',
        {
          'fluentd-address': `tcp://127.0.0.1:${String(server.port)}`,
          'fluentd-request-ack': 'true',
          'fluentd-sub-second-precision': 'true',
          'fluentd-read-timeout': '200ms',
          'fluentd-retry-wait': '50ms',
        },
        over,
      )
      while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
      assert.match(warnings[0] ?? '', /no answer came/)
      silent = false
      await forwarder.done
      // sent again, until it was acknowledged
      assert.ok(server.connections.length >= 2)
      const [message] = unpackAll(server.received.at(-1) ?? Buffer.alloc(0))
      const [[at]] = (message as [string, [[Buffer, unknown]]])[1]
      assert.deepEqual([at.readUInt32BE(1), at.readUInt32BE(5)], [SECOND, 1_123_456])
    })
  })

  it('goes on where it was after a restart, over rotated and compressed files', async () => {
    const server = keep(await collectStream())
    const options = { 'syslog-address': `tcp://127.0.0.1:${String(server.port)}` }
    write(numbered(0, 100))
    await forward('syslog', options, over).done
    write(numbered(100, 200))
    fs.renameSync(logPath, `${logPath}.1`)
    await compressRotated(logPath, new AbortController().signal)
    write(numbered(200, 300))
    const second = forward('syslog', options)
    await server.until(({ text }) => text().includes('line 299\n'))
    write(numbered(300, 400))
    end()
    await second.done
    await server.until(({ text }) => text().includes('line 399\n'))
    assert.deepEqual(
      [...server.text().matchAll(/line (\d+)\n/g)].map(([, number]) => Number(number)),
      Array.from({ length: 400 }, (_, number) => number),
    )
    assert.deepEqual(warnings, [])
  })

  it('tells when files were rotated away before they were sent', async () => {
    const server = keep(await collectStream())
    const options = { 'syslog-address': `tcp://127.0.0.1:${String(server.port)}` }
    write(numbered(0, 10))
    await forward('syslog', options, over).done
    fs.rmSync(logPath)
    write(numbered(20, 30))
    await forward('syslog', options, over).done
    await server.until(({ text }) => text().includes('line 29\n'))
    assert.match(warnings.join('\n'), /the log: lines were rotated away before they could be sent/)
  })
})

function journalFields(bytes: Buffer): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at)
    const text = bytes.toString('utf8', at, end)
    const sign = text.indexOf('=')
    if (sign !== -1) {
      fields[text.slice(0, sign)] = text.slice(sign + 1)
      at = end + 1
    } else {
      const length = Number(bytes.readBigUInt64LE(end + 1))
      fields[text] = bytes.toString('utf8', end + 9, end + 9 + length)
      at = end + 9 + length + 1
    }
  }
  return fields
}

function packed(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa0 | text.length]), Buffer.from(text)])
}
