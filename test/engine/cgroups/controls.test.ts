import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { allOrNothing, Controls } from '../../../engine/cgroups/controls.ts'

/** Files as the kernel shows them; here they keep what is written as it is. */
const BEFORE = {
  'memory.max': '67108864\n',
  'cpu.max': 'max 100000\n',
  'cpuset.cpus': '\n',
  'io.max': '8:0 rbps=1048576 wbps=max riops=max wiops=max\n',
  'io.bfq.weight': 'default 100\n8:0 400\n',
}

describe('allOrNothing()', () => {
  let directory: string
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'g-controls-'))
    for (const [name, text] of Object.entries(BEFORE))
      fs.writeFileSync(path.join(directory, name), text)
  })
  afterEach(() => {
    fs.rmSync(directory, { recursive: true })
  })
  const read = (name: string): string => fs.readFileSync(path.join(directory, name), 'utf8')

  function change(journal: (() => void)[]): Controls {
    const controls = new Controls(directory, journal)
    controls.write('memory.max', '33554432')
    controls.write('cpu.max', '50000 100000')
    controls.write('cpuset.cpus', '0')
    controls.writeDevice('io.max', '8:0', 'rbps=5', 'rbps=max')
    assert.equal(controls.tryWriteDevice('io.weight', '8:0', '5', 'default'), false)
    controls.tryWriteDevice('io.bfq.weight', '8:16', '300', 'default')
    return controls
  }

  test('writes back what each file held when a later write fails, and throws that', () => {
    assert.throws(
      () =>
        allOrNothing((journal) => {
          change(journal).write('not/there', '1')
        }),
      { code: 'NOT_FOUND' },
    )
    assert.equal(read('memory.max'), '67108864')
    assert.equal(read('cpu.max'), 'max 100000')
    assert.equal(read('cpuset.cpus'), '\n', 'an empty write would not reach the kernel')
    assert.equal(read('io.max'), '8:0 rbps=1048576 wbps=max riops=max wiops=max')
    assert.equal(read('io.bfq.weight'), '8:16 default', 'that device had no line')
  })

  test('can be taken back later', () => {
    const takeBack = allOrNothing((journal) => {
      change(journal)
    })
    assert.equal(read('memory.max'), '33554432')
    takeBack()
    assert.equal(read('memory.max'), '67108864')
  })
})
