import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { MadeParents, parseCgroupParent, waysUp } from '../../../engine/cgroups/parents.ts'

describe('parseCgroupParent()', () => {
  test('gives a path below the root that leads nowhere else', () => {
    for (const [text, wanted] of [
      [undefined, undefined],
      ['', undefined],
      ['/', ''],
      ['/team', 'team'],
      ['team/', 'team'],
      ['/team/a//b', 'team/a/b'],
      ['../../etc', 'etc'],
      ['/a/../../b', 'b'],
    ] as const)
      assert.equal(parseCgroupParent(text), wanted, text)
  })

  test('refuses the slices of systemd wherever they stand', () => {
    for (const text of ['system.slice', '/user.slice/user-0.slice', 'a/b.slice/c'])
      assert.throws(() => parseCgroupParent(text), { code: 'INVALID_PARAMETER', message: /slice/ })
  })
})

describe('MadeParents', () => {
  let root: string
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-parents-'))
  })
  afterEach(() => {
    fs.rmSync(root, { recursive: true })
  })

  test('removes what it made when it is empty, also by a later engine, and nothing of others', () => {
    const file = path.join(root, 'made')
    fs.mkdirSync(path.join(root, 'theirs'))
    const made = new MadeParents(file)
    for (const directory of waysUp(root, 'theirs/ours/inner').reverse()) made.make(directory)
    fs.mkdirSync(path.join(root, 'theirs/ours/inner/container'))
    made.removeEmpty(waysUp(root, 'theirs/ours/inner'))
    assert.ok(fs.existsSync(path.join(root, 'theirs/ours/inner')), 'not empty')
    fs.rmdirSync(path.join(root, 'theirs/ours/inner/container'))
    const later = new MadeParents(file)
    assert.equal(later.has(path.join(root, 'theirs')), false)
    later.removeEmpty(waysUp(root, 'theirs/ours/inner'))
    assert.deepEqual(fs.readdirSync(path.join(root, 'theirs')), [])
    assert.equal(fs.readFileSync(file, 'utf8').trim(), '')
  })

  test('knows what it is about to make before that is there, however an engine ends', () => {
    const file = path.join(root, 'made')
    const directory = path.join(root, 'ours')
    const { mkdirSync } = fs
    let written = ''
    const mocked = mock.method(fs, 'mkdirSync', (...asked: Parameters<typeof mkdirSync>) => {
      written = fs.readFileSync(file, 'utf8')
      return mkdirSync(...asked)
    })
    try {
      new MadeParents(file).make(directory)
    } finally {
      mocked.mock.restore()
    }
    assert.equal(written, `${directory}\n`)
    const later = new MadeParents(file)
    assert.ok(later.has(directory))
    later.removeEmpty([directory])
    assert.equal(fs.existsSync(directory), false)
  })

  test('what it could not make is nobody’s, and what a killed engine had not made yet as well', () => {
    const file = path.join(root, 'made')
    const deep = path.join(root, 'missing/ours')
    const made = new MadeParents(file)
    assert.throws(() => made.make(deep), { code: 'NOT_FOUND' })
    assert.equal(made.has(deep), false)
    fs.mkdirSync(deep, { recursive: true })
    fs.writeFileSync(file, `${root}/never\n`)
    const later = new MadeParents(file)
    assert.equal(later.has(`${root}/never`), false)
    later.removeEmpty([deep])
    assert.ok(fs.existsSync(deep))
  })
})

test('waysUp() lists the deepest first', () => {
  assert.deepEqual(waysUp('/cg', 'a/b/c'), ['/cg/a/b/c', '/cg/a/b', '/cg/a'])
  assert.deepEqual(waysUp('/cg', ''), [])
})
