import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { openShelter } from '../../../engine/cgroups/shelter.ts'

describe('openShelter()', () => {
  let unified: string
  let named: string

  beforeEach(() => {
    unified = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    named = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  })

  afterEach(() => {
    for (const directory of [unified, named]) fs.rmSync(directory, { recursive: true })
  })

  function moved(root: string): string {
    return fs.readFileSync(`${root}/gantry/shims/cgroup.procs`, 'utf8')
  }

  test('takes a process out of a service’s cgroup of v2', async () => {
    await openShelter({ unified, v1: [] }, 'gantry', '0::/system.slice/gantry.service\n')(123)
    assert.equal(moved(unified), '123')
  })

  test('out of systemd’s own hierarchy of v1, and out of no other', async () => {
    const v1 = [
      { controllers: ['name=systemd'], root: named },
      { controllers: ['memory'], root: '/nowhere' },
    ]
    const own = '9:memory:/x\n1:name=systemd:/user.slice/session-1.scope\n0::/\n'
    await openShelter({ unified, v1 }, 'gantry', own)(123)
    assert.equal(moved(named), '123')
    assert.deepEqual(fs.readdirSync(unified), [])
  })

  test('leaves it where it is when the engine is in the root', async () => {
    await openShelter({ unified, v1: [] }, 'gantry', '0::/\n')(123)
    assert.deepEqual(fs.readdirSync(unified), [])
  })
})
