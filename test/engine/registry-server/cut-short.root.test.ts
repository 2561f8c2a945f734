import assert from 'node:assert/strict'
import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { openTestEngine, type TestEngine } from '../../helpers/local-engine.ts'
import { sha256 } from '../../helpers/registry-door.ts'
import { registryImage, tarOf } from '../images/archives.ts'

const HOST = 'registry.test:5000'

describe('an engine killed when the registry had taken a tag, and before its image had the name', () => {
  let test: TestEngine
  before(async () => {
    test = await openTestEngine({ image: false })
  })
  after(() => test.close())

  const names = async (): Promise<string[]> =>
    (await test.engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? [])

  async function push(tags: string[]): Promise<void> {
    const { registry } = test.engine
    const { blobs, manifest } = registryImage({ layers: [tarOf({ file: 'content' })] })
    for (const content of blobs.values()) {
      const upload = await registry.beginUpload('team/app')
      await registry.appendUpload('team/app', upload, Readable.from([content]))
      await registry.finishUpload('team/app', upload, sha256(content))
    }
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    for (const tag of tags)
      await registry.putManifest('team/app', tag, { content: manifest, domain: HOST, mediaType })
  }

  it('gives the name at the next start, and no name again that somebody has taken away', async () => {
    await push(['1', '2', '3'])
    assert.equal((await names()).length, 3)
    await test.engine.images.remove(`${HOST}/team/app:3`)
    const { dataRoot } = test.instance
    await test.reopenAround(() => {
      change(path.join(dataRoot, 'registry/team~app/repository.json'), (document) => {
        const { tags } = document as { tags: { tag: string; unsettled?: true }[] }
        for (const each of tags) if (each.tag === '2') each.unsettled = true
      })
      change(path.join(dataRoot, 'images/references.json'), (document) => {
        const { references } = document as { references: Record<string, string> }
        delete references[`${HOST}/team/app:2`]
      })
    })
    for (const end = Date.now() + 20_000; (await names()).length < 2;) {
      assert.ok(Date.now() < end, 'it was never named')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.deepEqual((await names()).sort(), [`${HOST}/team/app:1`, `${HOST}/team/app:2`])
    assert.deepEqual(test.warnings, [])
    // with the next one there is nothing left to do
    await test.reopen()
    const text = fs.readFileSync(path.join(dataRoot, 'registry/team~app/repository.json'), 'utf8')
    assert.doesNotMatch(text, /unsettled/)
  })
})

function change(file: string, work: (document: unknown) => void): void {
  const document: unknown = JSON.parse(fs.readFileSync(file, 'utf8'))
  work(document)
  fs.writeFileSync(file, JSON.stringify(document))
}
