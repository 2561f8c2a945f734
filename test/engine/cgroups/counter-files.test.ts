import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CounterFiles } from '../../../engine/cgroups/counter-files.ts'

let directory: string
let counters: CounterFiles

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  counters = new CounterFiles((name) => (name.startsWith('no.') ? undefined : at(name)))
})

afterEach(() => {
  counters.close()
  fs.rmSync(directory, { recursive: true })
})

const at = (name: string): string => path.join(directory, name)
const put = (name: string, text: string): void => {
  fs.writeFileSync(at(name), text)
}

describe('CounterFiles', () => {
  it('gives what the files hold at each refresh, also when lines come and go', () => {
    put('memory.stat', 'anon 1\nfile 20\n')
    put('memory.current', '4096\n')
    put('memory.max', 'max\n')
    const read = () => ({
      stat: counters.flatKeyed('memory.stat'),
      current: counters.number('memory.current'),
      max: counters.number('memory.max'),
    })
    assert.deepEqual(read(), { stat: { anon: 1, file: 20 }, current: 4096, max: Infinity })
    put('memory.stat', 'anon 123456789\nfile 0\n')
    put('memory.max', '8192\n')
    counters.refresh()
    assert.deepEqual(read(), { stat: { anon: 123456789, file: 0 }, current: 4096, max: 8192 })
    for (const text of ['anon 5\nfile 6\nshmem 7\n', 'anon 5\n', 'rss 5\nhuge 6\n', '']) {
      put('memory.stat', text)
      counters.refresh()
      const lines = text.split('\n').slice(0, -1)
      const stat = Object.fromEntries(
        lines.map((line) => line.split(' ')).map(([k, v]) => [k, Number(v)]),
      )
      assert.deepEqual(read().stat, stat)
    }
  })

  it('tells what is not there from what is empty', () => {
    put('io.stat', '')
    assert.equal(counters.tryRead('io.stat'), '')
    assert.equal(counters.tryRead('cpu.stat'), undefined)
    assert.equal(counters.number('no.controller'), undefined)
    assert.throws(() => counters.flatKeyed('cpu.stat'), { code: 'NOT_FOUND' })
  })

  it('gives all of what is larger than was ever read before, and what was read beside it', () => {
    put('memory.current', '4096\n')
    const stat = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`a_rather_long_key_${String(index)}`, index]),
    )
    const text = Object.entries(stat).map(([key, value]) => `${key} ${String(value)}\n`)
    put('memory.stat', text.join(''))
    put('pids.current', '7\n')
    const read = () => ['memory.current', 'pids.current'].map((name) => counters.number(name))
    assert.deepEqual(read(), [4096, 7])
    assert.deepEqual(counters.flatKeyed('memory.stat'), stat)
    assert.deepEqual(read(), [4096, 7])
    counters.refresh()
    assert.deepEqual(read(), [4096, 7])
    assert.deepEqual(counters.flatKeyed('memory.stat'), stat)
  })

  it('tells of what is there and cannot be read, and reads the rest', () => {
    // whose first page is nobody's
    fs.symlinkSync('/proc/self/mem', at('io.stat'))
    put('huge.stat', '')
    fs.truncateSync(at('huge.stat'), 64 << 20)
    put('pids.current', '7\n')
    for (let sample = 0; sample < 2; sample++) {
      counters.refresh()
      assert.throws(() => counters.tryRead('io.stat'), {
        code: 'SYSTEM',
        message: `read ${at('io.stat')}: EIO`,
      })
      assert.throws(() => counters.flatKeyed('huge.stat'), {
        code: 'SYSTEM',
        message: /huge.*EFBIG/,
      })
      assert.equal(counters.number('pids.current'), 7)
    }
  })

  it('opens files again after close', () => {
    put('pids.current', '1\n')
    assert.equal(counters.number('pids.current'), 1)
    counters.close()
    counters.refresh()
    put('pids.current', '22\n')
    assert.equal(counters.number('pids.current'), 22)
  })
})
