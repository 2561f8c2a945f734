import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { dir, file, link, symlink, tar } from '../tar/members.ts'
import { dockerArchive, tarOf } from './archives.ts'
import { TestImages } from './image-engine.ts'

describe('files of an image', () => {
  let test: TestImages
  beforeEach(async () => {
    test = await TestImages.open()
  })
  afterEach(() => test.close())

  const load = (...layers: Buffer[]): Promise<string[]> =>
    test.load(dockerArchive({ layers, tags: ['app:1'] }))

  it('are what a container of it would see: layers merged, links, owners, modes and attributes', async () => {
    await load(
      tar(
        dir('a/', { mode: 0o750, uid: 7 }),
        file('a/gone', 'gone'),
        file('a/over', 'below'),
        dir('opaque/'),
        file('opaque/hidden', 'hidden'),
        file('one', 'linked'),
        link('two', 'one'),
        file('was-file', ''),
        symlink('sym', '../../etc/passwd'),
        file('set', 'x', { mode: 0o4755, gid: 9 }),
      ),
      tar(
        file('a/.wh.gone', ''),
        file('a/over', 'above'),
        file('opaque/.wh..wh..opq', ''),
        file('opaque/shown', 'shown'),
        dir('was-file/'),
        file('was-file/now', 'directory'),
      ),
    )
    const unpacked = path.join(test.root, 'unpacked')
    fs.mkdirSync(unpacked)
    const input = await buffer(await test.images.files('app:1'))
    execFileSync('tar', ['-x', '-p', '-C', unpacked], { input })
    assert.deepEqual(fs.readdirSync(unpacked, { recursive: true }).sort(), [
      'a',
      'a/over',
      'one',
      'opaque',
      'opaque/shown',
      'set',
      'sym',
      'two',
      'was-file',
      'was-file/now',
    ])
    const at = (name: string): string => path.join(unpacked, name)
    assert.equal(fs.readFileSync(at('a/over'), 'utf8'), 'above')
    assert.equal(fs.statSync(at('one')).ino, fs.statSync(at('two')).ino)
    assert.equal(fs.readlinkSync(at('sym')), '../../etc/passwd')
    const { mode, uid } = fs.statSync(at('a'))
    assert.deepEqual([mode & 0o7777, uid], [0o750, 7])
    assert.equal(fs.statSync(at('set')).mode & 0o7777, 0o4755)
    assert.deepEqual(test.images.snapshots.list(), [])
    await assert.rejects(test.images.files('none'), { code: 'NOT_FOUND' })
  })

  it('stay while they are read, also of an image that is removed, and go when the reader has gone', async () => {
    await load(tarOf({ big: Buffer.alloc(16 << 20, 'x') }))
    const whole = await test.images.files('app:1')
    const reader = new AbortController()
    const left = await test.images.files('app:1', reader.signal)
    const gone = once(left, 'close').catch(() => undefined)
    await Promise.all([once(whole, 'readable'), once(left, 'readable')])
    await test.images.remove('app:1')
    assert.equal(test.onDisk().layers, 1)
    reader.abort()
    await gone
    assert.equal(test.onDisk().layers, 1)
    const input = await buffer(whole)
    assert.equal(execFileSync('tar', ['-t'], { input }).toString(), 'big\n')
    while (test.onDisk().layers > 0) await setTimeout(5)
  })
})
