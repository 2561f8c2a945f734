import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { layerChangesOf } from '../../../engine/store/layer-changes.ts'

it('layerChangesOf() refuses a layer of more directories than it may keep', (t) => {
  const tree = fs.mkdtempSync(path.join(os.tmpdir(), 'g-layer-'))
  t.after(() => {
    fs.rmSync(tree, { recursive: true })
  })
  for (let i = 0; i < 9; i++) fs.mkdirSync(path.join(tree, `d${i}`))
  const never = (): boolean => false
  // the root is one, too
  assert.equal(layerChangesOf([tree], never, 10).directories.size, 10)
  assert.throws(() => layerChangesOf([tree], never, 9), {
    code: 'NOT_IMPLEMENTED',
    message: /more than 9 directories/,
  })
})
