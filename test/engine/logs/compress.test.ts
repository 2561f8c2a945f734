import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogsOptions } from '../../../engine/contract/containers.ts'
import { compressRotated } from '../../../engine/logs/compress.ts'
import { idMember } from '../../../engine/logs/gzip-file.ts'
import { logFileId } from '../../../engine/logs/log-file.ts'
import { readLogs } from '../../../engine/logs/read.ts'
import { tryLock } from '../../../engine/native/process.ts'

const START = Date.UTC(2026, 10, 21, 8)

function numbered(from: number, to: number): string {
  let all = ''
  for (let number = from; number < to; number++) {
    const time = new Date(START + number * 1000).toISOString()
    all += `{"log":"${String(number)}\\n","stream":"stdout","time":"${time}"}\n`
  }
  return all
}

describe('compressRotated()', () => {
  let dir = ''
  let log = ''
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    log = path.join(dir, 'x-json.log')
  })
  afterEach(() => {
    fs.rmSync(dir, { recursive: true, force: true })
  })

  const names = (): string[] => fs.readdirSync(dir).sort()
  const { signal } = new AbortController()
  const compress = (): Promise<void> => compressRotated(log, signal)
  const source = (options: LogsOptions, ended?: Promise<unknown>) => ({
    path: log,
    tty: true,
    options: { stdout: true, stderr: true, ...options },
    running: ended !== undefined,
    ended: ended ?? Promise.resolve(),
  })
  const numbers = async (options: LogsOptions = {}): Promise<number[]> =>
    (await text(readLogs(source(options)))).split('\n').slice(0, -1).map(Number)
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, index) => from + index)

  it('replaces rotated files by ones that gzip and we can read, for all, tail and since', async () => {
    fs.writeFileSync(`${log}.2`, numbered(0, 20_000))
    fs.writeFileSync(`${log}.1`, numbered(20_000, 40_000))
    fs.writeFileSync(log, numbered(40_000, 40_100))
    fs.utimesSync(`${log}.2`, START / 1000, START / 1000 + 20_000)
    fs.utimesSync(`${log}.1`, START / 1000, START / 1000 + 40_000)
    await compress()
    assert.deepEqual(names(), ['x-json.log', 'x-json.log.1.gz', 'x-json.log.2.gz'])
    assert.equal(
      execFileSync('gzip', ['-dc', `${log}.2.gz`], { maxBuffer: 1 << 24 }).toString(),
      numbered(0, 20_000),
    )
    assert.deepEqual(await numbers(), range(0, 40_100))
    for (const tail of [0, 50, 100, 101, 15_000, 20_100, 20_101, 40_099, 50_000])
      assert.deepEqual(await numbers({ tail }), range(Math.max(0, 40_100 - tail), 40_100))
    assert.deepEqual(
      await numbers({ since: START / 1000 + 19_999, until: START / 1000 + 20_001 }),
      [19_999, 20_000, 20_001],
    )
  })

  it('puts right what a kill left', async () => {
    fs.writeFileSync(`${log}.1`, numbered(0, 10))
    // installed, its original not yet removed; and one that was being written
    fs.writeFileSync(`${log}.1.gz`, idMember(logFileId(fs.statSync(`${log}.1`, { bigint: true }))))
    fs.writeFileSync(`${log}.compressing`, 'half')
    fs.writeFileSync(log, numbered(10, 20))
    assert.deepEqual(await numbers(), range(0, 20))
    await compress()
    assert.deepEqual(names(), ['x-json.log', 'x-json.log.1.gz'])
    assert.deepEqual(await numbers(), range(0, 20))
  })

  it('finds its file again when the numbers move meanwhile, and waits while they are being moved', async () => {
    fs.writeFileSync(`${log}.1`, numbered(0, 10))
    fs.writeFileSync(log, numbered(10, 20))
    const lock = fs.openSync(dir, 'r')
    assert.equal(tryLock(lock), true)
    const done = compress()
    while (!names().includes('x-json.log.compressing')) await sleep(1)
    await sleep(50)
    fs.renameSync(`${log}.1`, `${log}.2`)
    fs.renameSync(log, `${log}.1`)
    fs.writeFileSync(log, numbered(20, 30))
    assert.equal(fs.existsSync(`${log}.2`), true)
    fs.closeSync(lock)
    await done
    assert.deepEqual(names(), ['x-json.log', 'x-json.log.1.gz', 'x-json.log.2.gz'])
    assert.deepEqual(await numbers(), range(0, 30))
  })

  it('does not make a follower read a file again, or miss one', async () => {
    let end = (): void => undefined
    const ended = new Promise<void>((resolve) => (end = resolve))
    const stream = readLogs(source({ follow: true }, ended))
    let followed = ''
    stream.on('data', (chunk: Buffer) => (followed += chunk.toString()))
    let number = 0
    for (let round = 0; round < 12; round++) {
      for (let part = 0; part < 5; part++) {
        fs.appendFileSync(log, numbered(number, (number += 100)))
        await sleep(1)
      }
      if (round % 3 === 1) await sleep(20)
      for (let index = 6; index >= 1; index--) {
        for (const suffix of index === 1 ? [''] : ['', '.gz']) {
          const from = `${log}${index === 1 ? '' : `.${String(index - 1)}`}${suffix}`
          if (fs.existsSync(from)) fs.renameSync(from, `${log}.${String(index)}${suffix}`)
        }
      }
      fs.writeFileSync(log, '')
      await compress()
      // one that is further behind than files are kept would miss some by nature
      while (number - followed.split('\n').length > 4 * 500) await sleep(1)
    }
    end()
    await once(stream, 'end')
    assert.deepEqual(followed.split('\n').slice(0, -1).map(Number), range(0, number))
    assert.equal(names().filter((name) => name.endsWith('.gz')).length, 6)
  })
})
