import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CacheMounts } from '../../../engine/build/cache-mounts.ts'
import { Trash } from '../../../engine/store/trash.ts'

describe('CacheMounts', () => {
  let data: string
  beforeEach(() => {
    data = fs.mkdtempSync(path.join(os.tmpdir(), 'g-caches-'))
  })
  afterEach(() => {
    fs.rmSync(data, { recursive: true, force: true })
  })

  const root = (): string => path.join(data, 'build-cache/mounts')
  const signal = new AbortController().signal
  const nothing = (): Promise<void> => Promise.resolve()

  async function open(): Promise<CacheMounts> {
    const mounts = await CacheMounts.open(data)
    const trash = await Trash.open(path.join(data, 'trash'))
    mounts.useTrash(trash)
    await trash.close()
    return mounts
  }

  it('keeps what is whole of what a killed engine left, and nothing else', async () => {
    const { directory, release } = await (await open()).take('kept', 'shared', nothing, signal)
    release()
    fs.writeFileSync(path.join(directory, 'file'), '')
    const whole = path.dirname(directory)
    // another step's filling, a document on its way, and a cache that had no document yet
    fs.mkdirSync(path.join(whole, 'files.0a1b2c3d/deep'), { recursive: true })
    fs.writeFileSync(path.join(whole, 'cache.json.0123456789ab.tmp'), '{')
    fs.mkdirSync(path.join(root(), 'half/files'), { recursive: true })
    const again = await open()
    assert.deepEqual(fs.readdirSync(root()), [path.basename(whole)])
    assert.deepEqual(fs.readdirSync(whole).sort(), ['cache.json', 'files'])
    const taken = await again.take('kept', 'shared', nothing, signal)
    assert.deepEqual(fs.readdirSync(taken.directory), ['file'])
    assert.equal((await again.records()).length, 1)
  })

  it('knows of no cache whose filling failed, and fills it the next time', async () => {
    const mounts = await open()
    const failing = mounts.take('id', 'locked', () => Promise.reject(new Error('full')), signal)
    await assert.rejects(failing, /full/)
    assert.deepEqual(await mounts.records(), [])
    const fill = (directory: string): Promise<void> =>
      fs.promises.writeFile(path.join(directory, 'file'), '')
    const { directory } = await mounts.take('id', 'locked', fill, signal)
    assert.deepEqual(fs.readdirSync(directory), ['file'])
    assert.deepEqual(fs.readdirSync(path.dirname(directory)).sort(), ['cache.json', 'files'])
  })
})
