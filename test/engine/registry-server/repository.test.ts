import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Repository } from '../../../engine/registry-server/repository.ts'

const DIGEST = `sha256:${'ab'.repeat(32)}`

describe('Repository', () => {
  let root: string
  before(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'g-repo-'))
  })
  after(() => fs.rmSync(root, { recursive: true, force: true }))

  const linksOf = (name: string): string[] => fs.readdirSync(path.join(root, name, 'blobs'))
  const make = (name: string): Repository => new Repository(root, name, () => undefined)
  const allowed = (): boolean => true

  it('keeps a blob back that somebody was told of, for minutes and no longer', async () => {
    const repository = make('told')
    await repository.link(DIGEST)
    repository.touch(DIGEST)
    await repository.letGo(DIGEST, allowed)
    assert.deepEqual([repository.blobs.size, repository.keptBack.size], [0, 1])
    await repository.forgetKeptBack()
    assert.equal(linksOf('told').length, 1)
    await repository.forgetKeptBack(Date.now() + 11 * 60_000)
    assert.equal(repository.keptBack.size, 0)
    assert.deepEqual(linksOf('told'), [])
  })

  it('has a blob again that is put, or named, while it is kept back', async () => {
    const repository = make('again')
    for (const back of [
      () => repository.link(DIGEST),
      () => repository.change(() => repository.takeBack([DIGEST])),
    ]) {
      await repository.link(DIGEST)
      repository.touch(DIGEST)
      await repository.letGo(DIGEST, allowed)
      await back()
      await repository.forgetKeptBack(Date.now() + 11 * 60_000)
      assert.deepEqual([repository.blobs.size, repository.keptBack.size], [1, 0])
      assert.equal(linksOf('again').length, 1)
    }
  })

  it('finds, opened again, what was kept back as old: nobody comes for it any more', async () => {
    const repository = make('old')
    await repository.link(DIGEST)
    repository.touch(DIGEST)
    await repository.letGo(DIGEST, allowed)
    const next = make('old')
    await next.load(() => assert.fail())
    assert.equal(next.blobs.get(DIGEST)?.putAt, 0)
  })
})
