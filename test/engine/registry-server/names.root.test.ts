import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { sha256 } from '../../helpers/registry-door.ts'

describe('a repository', () => {
  let test: TestEngine
  before(async () => {
    test = await openTestEngine({ image: false })
  })
  after(() => test.close())

  async function put(repository: string): Promise<void> {
    const { registry } = test.engine
    const upload = await registry.beginUpload(repository)
    await registry.appendUpload(repository, upload, Readable.from([Buffer.from(repository)]))
    await registry.finishUpload(repository, upload, sha256(repository))
  }
  const sizeOf = async (repository: string): Promise<number> =>
    (await test.engine.registry.statBlob(repository, sha256(repository))).size

  it('may have every name that the specification allows, whatever lies beside it on the disk', async () => {
    const names = [
      'settings.json',
      'settings.json.damaged',
      'settings.json.0123456789ab.tmp',
      'app.0123456789ab.tmp',
      'repository.json',
      'a/blobs',
      'a/blobs/uploads',
      'a/tags/list',
      'a/manifests/x',
      'a'.repeat(200),
      Array.from({ length: 100 }, () => 'b').join('/'),
    ]
    for (const name of names) await put(name)
    await test.engine.registry.setSettings({ untaggedDays: 7 })
    await test.reopen()
    for (const name of names) assert.equal(await sizeOf(name), name.length, name)
    assert.equal((await test.engine.registry.settings()).untaggedDays, 7)
    assert.deepEqual(test.warnings, [])
    await assert.rejects(put('a'.repeat(201)), { reason: 'NAME_INVALID' })
  })

  it('of an engine before leaves the settings of that where they are found', async () => {
    const root = path.join(test.instance.dataRoot, 'registry')
    await test.reopenAround(() => {
      fs.rmSync(path.join(root, 'settings.json'), { recursive: true })
      fs.renameSync(path.join(root, '~settings.json'), path.join(root, 'settings.json'))
    })
    assert.equal((await test.engine.registry.settings()).untaggedDays, 7)
    await test.reopen()
    assert.equal((await test.engine.registry.settings()).untaggedDays, 7)
  })
})
