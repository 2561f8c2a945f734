import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { migrate } from '../../server/migrate.ts'

function make(t: TestContext): {
  file: string
  directory: string
  add: (name: string, sql: string) => void
} {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  t.after(() => {
    fs.rmSync(root, { recursive: true, force: true })
  })
  const directory = path.join(root, 'migrations')
  const add = (name: string, sql: string): void => {
    fs.mkdirSync(path.join(directory, name), { recursive: true })
    fs.writeFileSync(path.join(directory, name, 'migration.sql'), sql)
  }
  add('1_init', 'CREATE TABLE a (x TEXT); INSERT INTO a VALUES (1);')
  return { file: path.join(root, 'db'), directory, add }
}

describe('migrate()', () => {
  it('applies what is new, in order, once', (t) => {
    const { file, directory, add } = make(t)
    assert.deepEqual(migrate(file, directory), ['1_init'])
    assert.deepEqual(migrate(file, directory), [])
    add('3_c', 'INSERT INTO b VALUES (2);')
    add('2_b', 'CREATE TABLE b (y TEXT);')
    assert.deepEqual(migrate(file, directory), ['2_b', '3_c'])
  })

  it('leaves nothing of a migration that fails', (t) => {
    const { file, directory, add } = make(t)
    add('2_b', 'CREATE TABLE b (y TEXT); INSERT INTO nowhere VALUES (1);')
    assert.throws(() => migrate(file, directory), /nowhere/)
    add('2_b', 'CREATE TABLE b (y TEXT);')
    assert.deepEqual(migrate(file, directory), ['2_b'])
  })

  it('refuses a changed migration and a database of a newer Gantry', (t) => {
    const { file, directory, add } = make(t)
    migrate(file, directory)
    add('1_init', 'CREATE TABLE a (z TEXT);')
    assert.throws(() => migrate(file, directory), {
      code: 'CONFLICT',
      message: /1_init was changed/,
    })
    fs.rmSync(path.join(directory, '1_init'), { recursive: true })
    assert.throws(() => migrate(file, directory), { code: 'CONFLICT', message: /newer Gantry/ })
  })
})
