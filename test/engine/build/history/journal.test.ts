import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BuildEvent, BuildLogEvent } from '../../../../engine/contract/builds.ts'
import {
  compressJournal,
  journalFile,
  readJournal,
} from '../../../../engine/build/history/journal.ts'
import { JournalWriter } from '../../../../engine/build/history/journal-writer.ts'

const at = '2026-01-01T00:00:00.000Z'

function log(data: Buffer | string, step = '0.1'): BuildEvent {
  return { kind: 'log', step, stream: 'stdout', data: Buffer.from(data), at }
}

/** More than is left uncompressed. */
const LONG = `${'whole '.repeat(10_000)}\n`

describe('the journal of a build', () => {
  let directory = ''
  before(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'g-journal-'))
  })
  after(() => {
    fs.rmSync(directory, { recursive: true, force: true })
  })

  function writer(
    warn: (error: unknown) => void = (error) => assert.fail(String(error)),
  ): JournalWriter {
    fs.rmSync(directory, { recursive: true, force: true })
    fs.mkdirSync(directory)
    return new JournalWriter({ open: openJournal, warn })
  }

  function openJournal(): number {
    return fs.openSync(journalFile(directory), 'ax')
  }

  async function read(): Promise<BuildLogEvent[]> {
    const events: BuildLogEvent[] = []
    for await (const event of readJournal(directory, undefined, undefined)) events.push(event)
    return events
  }

  function isOpen(name: string): boolean {
    return fs.readdirSync('/proc/self/fd').some((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`) === path.join(directory, name)
      } catch {
        // the one that this reads itself
        return false
      }
    })
  }

  function textOf(events: readonly BuildLogEvent[]): string {
    return events
      .map((event) => (event.kind === 'log' ? Buffer.from(event.data).toString() : ''))
      .join('')
  }

  it('joins characters that were cut in two', async () => {
    const journal = writer()
    const [first, second] = [Buffer.from('aé').subarray(0, 2), Buffer.from('aé').subarray(2)]
    journal.take(log(first))
    journal.take(log(second))
    journal.end()
    assert.equal(textOf(await read()), 'aé')
  })

  it('keeps the beginning and the end of very much output, and says how much it left out', async () => {
    const journal = writer()
    const chunk = `${'x'.repeat(2 ** 16 - 1)}\n`
    for (let i = 0; i < 160; i++) journal.take(log(chunk))
    journal.take(log('the end\n'))
    journal.take({ kind: 'finished', step: '0.1', cached: false, result: '', at })
    journal.end()
    const events = await read()
    const clipped = events.find((event) => event.kind === 'clipped')
    assert.ok(clipped)
    const kept = textOf(events)
    assert.equal(kept.length + clipped.bytes, 160 * chunk.length + 8)
    assert.ok(kept.endsWith('the end\n'))
    assert.ok(kept.length < 5 * 2 ** 20)
    assert.equal(events.at(-1)?.kind, 'finished')
  })

  it('of a pull keeps what each layer does, not how far it is', async () => {
    const journal = writer()
    for (const current of [1, 2, 3])
      journal.take({
        kind: 'progress',
        step: '0.0',
        progress: { id: 'l', status: 'Downloading', progressDetail: { current } },
      })
    journal.take({ kind: 'progress', step: '0.0', progress: { id: 'l', status: 'Pull complete' } })
    journal.end()
    assert.equal((await read()).length, 2)
  })

  it('is read past a line that was cut off, and after it was compressed', async () => {
    const journal = writer()
    journal.take(log(LONG))
    journal.end()
    fs.appendFileSync(journalFile(directory), '{"kind":"log","step":"0.')
    assert.equal(textOf(await read()), LONG)
    await compressJournal(directory)
    assert.equal(textOf(await read()), LONG)
    assert.deepEqual(fs.readdirSync(directory), ['log.gz'])
  })

  it('is closed by a reader that leaves before its end', async () => {
    const journal = writer()
    journal.take(log(randomBytes(2 ** 20).toString('hex')))
    for (let i = 0; i < 1000; i++) journal.take(log(`${randomBytes(500).toString('hex')}\n`))
    journal.end()
    await compressJournal(directory)
    for await (const _event of readJournal(directory, undefined, undefined)) break
    const end = Date.now() + 5_000
    while (isOpen('log.gz')) {
      assert.ok(Date.now() < end, 'the file stays open')
      await sleep(20)
    }
  })

  it('that is small stays as it is', async () => {
    const journal = writer()
    journal.take(log('short\n'))
    journal.end()
    await compressJournal(directory)
    assert.deepEqual(fs.readdirSync(directory), ['log'])
    assert.equal(textOf(await read()), 'short\n')
  })

  it('that cannot be compressed stays as it is, alone', async () => {
    const journal = writer()
    journal.take(log(LONG))
    journal.end()
    fs.mkdirSync(path.join(directory, 'log.gz'))
    await assert.rejects(compressJournal(directory))
    assert.deepEqual(fs.readdirSync(directory).sort(), ['log', 'log.gz'])
    assert.equal(textOf(await read()), LONG)
  })

  it('ends when the disk refuses it, and the build goes on', () => {
    const warnings: unknown[] = []
    fs.rmSync(directory, { recursive: true, force: true })
    const journal = new JournalWriter({
      open: openJournal,
      warn: (error) => warnings.push(error),
    })
    journal.take(log('lost\n'))
    journal.end()
    assert.equal(warnings.length, 1)
  })
})
