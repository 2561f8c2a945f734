import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogsOptions } from '../../../engine/contract/containers.ts'
import { readLogs } from '../../../engine/logs/read.ts'
import { patient } from '../../helpers/patience.ts'

const dirs: string[] = []

afterEach(async () => {
  for (const dir of dirs.splice(0)) await fs.rm(dir, { recursive: true, force: true })
})

async function temporaryLog(): Promise<string> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
  dirs.push(dir)
  return path.join(dir, 'x-json.log')
}

const START = Date.UTC(2026, 10, 21, 8) / 1000

function line(
  text: string,
  options: { stream?: string; at?: number; newline?: boolean } = {},
): string {
  const time = new Date((options.at ?? START) * 1000).toISOString().replace(/\.?0*Z$/, 'Z')
  const log = JSON.stringify(options.newline === false ? text : `${text}\n`)
  return `{"log":${log},"stream":"${options.stream ?? 'stdout'}","time":"${time}"}\n`
}

function read(
  file: string,
  options: LogsOptions = {},
  source: { tty?: boolean; running?: boolean; ended?: Promise<unknown>; signal?: AbortSignal } = {},
) {
  return readLogs(
    {
      path: file,
      tty: source.tty ?? true,
      options: { stdout: true, stderr: true, ...options },
      running: source.running ?? false,
      ended: source.ended ?? Promise.resolve(),
    },
    source.signal,
  )
}

/** What a follower has given so far; `ended` resolves to all of it. */
function collect(stream: Readable): { soFar: () => string; ended: Promise<string> } {
  let all = ''
  stream.on('data', (chunk: Buffer) => (all += chunk.toString()))
  return { soFar: () => all, ended: once(stream, 'end').then(() => all) }
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + patient(20_000); !(await holds()); await sleep(1))
    assert.ok(Date.now() < end, `it never came to hold: ${holds.toString()}`)
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('readLogs', () => {
  it('frames each line by its stream, or gives plain text with a TTY', async () => {
    const file = await temporaryLog()
    await fs.writeFile(file, line('out') + line('err', { stream: 'stderr' }))
    assert.equal(await text(read(file)), 'out\nerr\n')
    const framed = Buffer.from(await text(read(file, {}, { tty: false })))
    assert.deepEqual(framed, Buffer.from('\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n'))
    assert.equal(await text(read(file, { stdout: false })), 'err\n')
    assert.equal(await text(read(file, { stderr: false })), 'out\n')
  })

  it('unescapes every kind of character', async () => {
    const file = await temporaryLog()
    const odd = 'tab\t quote" back\\slash / \b\f\r \u001b[31mred\u001b[0m <&> äöü € 😀 \u2028'
    const escaped =
      '{"log":"\\u003c\\u0026\\u003e \\ud83d\\ude00 \\u20ac \\ud800 \\/ \\u00e4\\n","stream":"stdout","time":"2026-11-21T08:00:00Z"}\n'
    await fs.writeFile(file, line(odd) + escaped)
    assert.equal(await text(read(file)), `${odd}\n<&> 😀 € \ufffd / ä\n`)
  })

  it('reads other forms of the line and leaves damage out', async () => {
    const file = await temporaryLog()
    const other =
      '{"time":"2026-11-21T08:00:00.5Z","stream":"stderr","log":"b\\n","attrs":{"k":"v w"}}\n'
    const torn = '{"log":"half of a li' + line('whole')
    await fs.writeFile(
      file,
      `${line('a')}nonsense\n\n{}\n[1]\n${other}${torn}${line('c')}{"log":"torn`,
    )
    assert.equal(await text(read(file)), 'a\nb\nwhole\nc\n')
    assert.equal(await text(read(file, { details: true, tail: 100 })), ' a\nk=v+w b\n whole\n c\n')
  })

  it('puts timestamps of nine digits before lines', async () => {
    const file = await temporaryLog()
    await fs.writeFile(file, line('a') + line('b', { at: START + 0.25 }))
    assert.equal(
      await text(read(file, { timestamps: true })),
      '2026-11-21T08:00:00.000000000Z a\n2026-11-21T08:00:00.250000000Z b\n',
    )
  })

  it('joins pieces of a long line as they were written', async () => {
    const file = await temporaryLog()
    await fs.writeFile(file, line('x'.repeat(16384), { newline: false }) + line('end'))
    assert.equal(await text(read(file)), `${'x'.repeat(16384)}end\n`)
  })

  it('reads rotated files before the current one, over gaps in their numbers', async () => {
    const file = await temporaryLog()
    await fs.writeFile(`${file}.10`, line('1'))
    await fs.writeFile(`${file}.2`, line('2'))
    await fs.writeFile(`${file}.1`, line('3'))
    await fs.writeFile(`${file}.gz`, 'no log')
    await fs.writeFile(file, line('4'))
    assert.equal(await text(read(file)), '1\n2\n3\n4\n')
    assert.equal(await text(read(file, { tail: 2 })), '3\n4\n')
  })

  it('gives the last lines over any number of files and blocks', async () => {
    const file = await temporaryLog()
    const make = (from: number, to: number): string => {
      let all = ''
      for (let number = from; number < to; number++) all += line(`line ${String(number)}`)
      return all
    }
    await fs.writeFile(`${file}.1`, make(0, 4000))
    await fs.writeFile(file, make(4000, 8000) + '{"log":"torn')
    for (const tail of [0, 1, 2, 999, 3999, 4000, 4001, 7999, 8000, 9000]) {
      const lines = (await text(read(file, { tail }))).split('\n').slice(0, -1)
      const count = Math.min(tail, 8000)
      assert.equal(lines.length, count)
      if (count > 0) {
        assert.equal(lines[0], `line ${String(8000 - count)}`)
        assert.equal(lines.at(-1), 'line 7999')
      }
    }
  })

  it('gives what was written between since and until, in a large file too', async () => {
    const file = await temporaryLog()
    let all = ''
    for (let number = 0; number < 40_000; number++)
      all += line(String(number), { at: START + number / 10 })
    await fs.writeFile(file, all)
    const lines = (await text(read(file, { since: START + 3000, until: START + 3001 })))
      .split('\n')
      .slice(0, -1)
    assert.deepEqual(lines, [
      '30000',
      '30001',
      '30002',
      '30003',
      '30004',
      '30005',
      '30006',
      '30007',
      '30008',
      '30009',
      '30010',
    ])
    assert.equal(await text(read(file, { since: START + 5000 })), '')
    assert.equal(await text(read(file, { until: START })), '0\n')
  })

  it('gives nothing when nothing was logged', async () => {
    const file = await temporaryLog()
    assert.equal(await text(read(file)), '')
    assert.equal(await text(read(file, { tail: 5 })), '')
  })

  it('follows what is written, torn lines included, until the writer has ended', async () => {
    const file = await temporaryLog()
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const all = text(read(file, { follow: true }, { running: true, ended }))
    await sleep(20)
    await fs.appendFile(file, line('first'))
    await sleep(20)
    const second = line('second')
    await fs.appendFile(file, second.slice(0, 20))
    await sleep(20)
    await fs.appendFile(file, second.slice(20) + line('third'))
    await fs.appendFile(file, line('last'))
    end()
    assert.equal(await all, 'first\nsecond\nthird\nlast\n')
  })

  it('follows over rotations without missing or doubling a line', async () => {
    const file = await temporaryLog()
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const followed = collect(read(file, { follow: true }, { running: true, ended }))
    let number = 0
    let handle = await fs.open(file, 'a')
    for (let round = 0; round < 40; round++) {
      for (let index = 0; index < 25; index++) await handle.appendFile(line(String(number++)))
      if (round % 4 === 0) await sleep(1)
      if (round % 5 === 4) await sleep(15)
      // Several files may be begun while the reader is still at an old one, but not more than are kept.
      await eventually(() => number - followed.soFar().split('\n').length < 5 * 25)
      for (let index = 8; index >= 1; index--) {
        await fs
          .rename(index === 1 ? file : `${file}.${String(index - 1)}`, `${file}.${String(index)}`)
          .catch(() => undefined)
      }
      await handle.close()
      handle = await fs.open(file, 'a')
    }
    await handle.appendFile(line(String(number++)))
    await handle.close()
    end()
    const lines = (await followed.ended).split('\n').slice(0, -1).map(Number)
    assert.deepEqual(
      lines,
      Array.from({ length: number }, (_, index) => index),
    )
  })

  it('begins anew when the only file is emptied', async () => {
    const file = await temporaryLog()
    await fs.writeFile(file, line('before it was full'))
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const followed = collect(read(file, { follow: true }, { running: true, ended }))
    await eventually(() => followed.soFar() === 'before it was full\n')
    await fs.truncate(file, 0)
    await fs.appendFile(file, line('new'))
    await eventually(() => followed.soFar().endsWith('new\n'))
    end()
    assert.equal(await followed.ended, 'before it was full\nnew\n')
  })

  it('ends at the signal, when destroyed and at until, and lets go of its files', async () => {
    const file = await temporaryLog()
    await fs.writeFile(file, line('a'))
    const before = (await fs.readdir('/proc/self/fd')).length
    const never = new Promise(() => undefined)
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 20)
    const aborted = read(
      file,
      { follow: true },
      { running: true, ended: never, signal: abort.signal },
    )
    aborted.resume()
    await new Promise((resolve) => aborted.once('close', resolve))
    const destroyed = read(file, { follow: true }, { running: true, ended: never })
    destroyed.once('data', () => destroyed.destroy())
    await new Promise((resolve) => destroyed.once('close', resolve))
    const until = Date.now() / 1000 + 0.05
    assert.equal(
      await text(read(file, { follow: true, until }, { running: true, ended: never })),
      'a\n',
    )
    await eventually(async () => (await fs.readdir('/proc/self/fd')).length <= before + 1)
  })

  it('keeps little in memory while nobody reads', async () => {
    const file = await temporaryLog()
    await fs.writeFile(file, line('x'.repeat(1000)).repeat(40_000))
    const stream = read(file, {}, { tty: false })
    stream.once('readable', () => undefined)
    await sleep(100)
    assert.ok(stream.readableLength < 2 * 1024 * 1024)
    stream.destroy()
  })
})
