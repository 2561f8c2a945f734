import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { rootLevel } from '../../../engine/tree/look-up.ts'
import { changeTree, type TreeChange } from '../../../engine/tree/change-tree.ts'
import { doTreeJob } from '../../../engine/store/tree-jobs.ts'
import { swapping } from './swapper.ts'

test('a directory that is swapped for a link out of the container never leads there', async () => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'g-'))
  const at = (file: string): string => path.join(dir, file)
  fs.mkdirSync(at('root/target/swap'), { recursive: true })
  fs.mkdirSync(at('outside/victim'), { recursive: true })
  for (const layer of ['upper', 'lower']) fs.mkdirSync(at(layer))
  fs.writeFileSync(at('outside/secret'), 'secret')
  fs.symlinkSync('../../outside', at('root/target/other'))
  const root = fs.openSync(at('root'), fs.constants.O_RDONLY)
  const stop = await swapping(at('root/target'), 'swap', 'other')
  const change = (file: string, what: TreeChange): void => {
    try {
      changeTree(rootLevel(root), file, what, undefined)
    } catch {
      // a moment may find it a link, whose target is missing inside
    }
  }
  try {
    for (let round = 0; round < 200; round++) {
      const content = Buffer.from('changed')
      change('/target/swap/secret', { kind: 'write', content, version: undefined })
      change(`/target/swap/new-${round}`, { kind: 'write', content, version: undefined })
      change(`/target/swap/dir-${round}`, { kind: 'directory' })
      change('/target/swap/secret', { kind: 'remove' })
      change('/target/swap/victim', { kind: 'rename', name: 'moved' })
      change('/target/swap/victim', { kind: 'remove' })
      try {
        const layers = { upper: at('upper'), lower: [at('lower')] }
        const path = '/target/swap'
        const list = { kind: 'list', root, path, page: {}, ids: undefined, layers } as const
        const listing = await doTreeJob(
          list,
          () => undefined,
          () => false,
        )
        assert.ok(!JSON.stringify(listing).includes('victim'))
      } catch (error) {
        if ((error as { code?: string }).code === 'ERR_ASSERTION') throw error
      }
    }
  } finally {
    await stop()
    fs.closeSync(root)
  }
  try {
    assert.deepEqual(fs.readdirSync(at('outside')).sort(), ['secret', 'victim'])
    assert.equal(fs.readFileSync(at('outside/secret'), 'utf8'), 'secret')
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
})
