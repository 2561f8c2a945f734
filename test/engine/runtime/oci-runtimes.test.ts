import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { instanceFromEnv } from '../../../engine/instance.ts'
import {
  chooseRuntime,
  installedRuntimes,
  runtimeNamed,
} from '../../../engine/runtime/oci-runtimes.ts'

/** A name that is configured is not looked for: so a host has no runc for a test, whatever is installed. */
const NO_RUNC = { runc: '/nonexistent/runc' }

describe('OCI runtimes', () => {
  let dir: string
  let program: string
  before(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
    program = path.join(dir, 'runc')
    fs.writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
  })
  after(() => {
    fs.rmSync(dir, { recursive: true, force: true })
  })

  const named = (configured: Record<string, string>, name: string) =>
    installedRuntimes(configured).find((runtime) => runtime.name === name)

  test('one that is configured takes the place of one that is found, under both names of runc', () => {
    assert.equal(named({ runc: program }, 'runc')?.path, program)
    assert.equal(named({ runc: program }, 'io.containerd.runc.v2')?.path, program)
    assert.equal(named({ special: program }, 'special')?.path, program)
  })

  test('what cannot be executed is not there', () => {
    assert.equal(named(NO_RUNC, 'runc'), undefined)
    assert.equal(named({ special: dir }, 'special'), undefined)
  })

  test('a container without a name for it, or with ours, gets our own', () => {
    assert.deepEqual(chooseRuntime('', {}), { name: 'gantry', warnings: [] })
    assert.deepEqual(chooseRuntime('gantry', {}), { name: 'gantry', warnings: [] })
    assert.equal(runtimeNamed('gantry', {}), undefined)
  })

  test('runc where it is not installed is our own, and a warning says so', () => {
    for (const name of ['runc', 'io.containerd.runc.v2']) {
      const { name: chosen, warnings } = chooseRuntime(name, NO_RUNC)
      assert.equal(chosen, 'gantry')
      assert.match(warnings.join(), new RegExp(`^The runtime ${name} is not installed`))
    }
    assert.deepEqual(chooseRuntime('runc', { runc: program }), { name: 'runc', warnings: [] })
  })

  test('any other that is not there is refused, at create and at start', () => {
    assert.throws(() => chooseRuntime('kata', {}), {
      code: 'INVALID_PARAMETER',
      message: 'unknown or invalid runtime name: kata',
    })
    assert.throws(() => runtimeNamed('kata', {}), /"kata" is not installed on this host any more/)
  })

  test('GANTRY_RUNTIMES names further ones', () => {
    const { runtimes } = instanceFromEnv({ GANTRY_RUNTIMES: `old=${program}, new=/opt/a=b/runc` })
    assert.deepEqual(runtimes, { old: program, new: '/opt/a=b/runc' })
    for (const wrong of ['runc', 'x=relative', '=/bin/x', 'gantry=/bin/x'])
      assert.throws(() => instanceFromEnv({ GANTRY_RUNTIMES: wrong }), /^.*GANTRY_RUNTIMES: /)
  })
})
