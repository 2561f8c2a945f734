import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ExecRecord } from '../../../engine/containers/exec-record.ts'
import type { Exec } from '../../../engine/containers/exec-table.ts'

describe('the record of running execs', () => {
  let dir: string
  let file: string
  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-execs-'))
    file = path.join(dir, 'execs.jsonl')
  })
  afterEach(() => {
    fs.rmSync(dir, { recursive: true, force: true })
  })

  const exec = (id: string, more = ''): Exec => ({
    id,
    containerId: 'c',
    config: { Cmd: ['echo', more] },
    createdBy: { kind: 'system', reason: 'test' },
    state: 'running',
    pid: 1,
    exitCode: null,
  })
  const ids = async (record: ExecRecord): Promise<string[]> => [...(await record.read()).keys()]

  it('holds those that run, and those that ended lately', async () => {
    const record = new ExecRecord(dir)
    assert.deepEqual(await ids(record), [])
    const first = exec('1')
    record.add(first, [])
    record.add(exec('2'), [first])
    record.add(exec('3'), [first])
    const read = await new ExecRecord(dir).read()
    assert.deepEqual([...read.keys()], ['1', '2', '3'])
    assert.deepEqual(read.get('2'), {
      id: '2',
      createdBy: { kind: 'system', reason: 'test' },
      config: { Cmd: ['echo', ''] },
    })
    record.add(exec('4'), [])
    assert.deepEqual(await ids(record), ['1', '2', '3', '4'])
  })

  it('begins anew when it has become long', async () => {
    const record = new ExecRecord(dir)
    for (let i = 0; i < 1000; i++) record.add(exec(String(i), 'x'.repeat(1000)), [])
    assert.ok(fs.statSync(file).size < 300 * 1024)
    const known = await ids(new ExecRecord(dir))
    assert.ok(known.includes('999') && !known.includes('0'))
  })

  it('stays small beside one that runs for ever', async () => {
    const record = new ExecRecord(dir)
    const first = exec('first')
    record.add(first, [])
    for (let i = 0; i < 1000; i++) record.add(exec(String(i), 'x'.repeat(1000)), [first])
    assert.ok(fs.statSync(file).size < 300 * 1024)
    const known = await ids(new ExecRecord(dir))
    assert.ok(known.includes('first') && known.includes('999'))
  })

  it('goes on behind a line that was torn', async () => {
    const first = exec('1')
    new ExecRecord(dir).add(first, [])
    fs.appendFileSync(file, '{"id":"2","conf')
    const record = new ExecRecord(dir)
    record.add(exec('3'), [first])
    record.add(exec('4'), [first])
    assert.deepEqual(await ids(record), ['1', '3', '4'])
  })

  it('is read past a line that was torn, and made where its directory is gone', async () => {
    const record = new ExecRecord(dir)
    record.add(exec('1'), [])
    fs.appendFileSync(file, '{"id":"2","conf')
    assert.deepEqual(await ids(record), ['1'])
    fs.rmSync(dir, { recursive: true })
    record.add(exec('3'), [exec('1')])
    assert.deepEqual(await ids(record), ['3'])
  })

  it('takes up what an engine of before wrote, a file for each', async () => {
    fs.mkdirSync(path.join(dir, 'execs'))
    fs.writeFileSync(
      path.join(dir, 'execs', 'old'),
      JSON.stringify({ id: 'old', config: { Cmd: ['a'] } }),
    )
    new ExecRecord(dir).add(exec('new'), [])
    assert.deepEqual(await ids(new ExecRecord(dir)), ['old', 'new'])
  })
})
