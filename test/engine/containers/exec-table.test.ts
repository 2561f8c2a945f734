import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ExecTable, type Exec } from '../../../engine/containers/exec-table.ts'

describe('the table of execs', () => {
  const prepared = (id: string, containerId = 'c'): Exec => ({
    id,
    containerId,
    config: { Cmd: ['true'] },
    createdBy: undefined,
    state: 'created',
    pid: 0,
    exitCode: null,
  })

  test('keeps a thousand prepared ones of a container; the oldest gives way', () => {
    const table = new ExecTable()
    const running = table.add({ ...prepared('running'), state: 'running' })
    for (let i = 0; i < 1500; i++) table.add(prepared(`p${String(i)}`))
    table.add(prepared('other', 'd'))
    assert.equal(table.idsOf('c').length, 1001)
    assert.throws(() => table.get('p0'), { code: 'NOT_FOUND' })
    assert.equal(table.get('p1499').id, 'p1499')
    assert.equal(table.get('other').id, 'other')
    assert.equal(table.get('running'), running)
  })

  test('tells exit codes of ended ones, the last ten thousand', () => {
    const table = new ExecTable()
    for (let i = 0; i < 10_001; i++) table.end(table.add(prepared(`e${String(i)}`)), i % 256)
    assert.deepEqual(table.idsOf('c'), [])
    assert.throws(() => table.get('e0'), { code: 'NOT_FOUND' })
    assert.equal(table.get('e10000').exitCode, 10_000 % 256)
  })

  test('forgets what was prepared when the container ends, and all when it is removed', () => {
    const table = new ExecTable()
    table.add(prepared('prepared'))
    table.end(table.add(prepared('ended')), 3)
    table.forgetPrepared('c')
    assert.throws(() => table.get('prepared'), { code: 'NOT_FOUND' })
    assert.equal(table.get('ended').exitCode, 3)
    table.forgetContainer('c')
    assert.throws(() => table.get('ended'), { code: 'NOT_FOUND' })
  })
})
