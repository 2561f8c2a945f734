import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { BatchWriter } from '../../../engine/store/batch-writer.ts'

describe('BatchWriter', () => {
  it('writes pieces of any size in their order, from where it is told', async () => {
    const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-'))
    try {
      const file = path.join(dir, 'file')
      await fs.writeFile(file, 'head')
      const handle = await fs.open(file, 'r+')
      const pieces = Array.from({ length: 900 }, (_, index) =>
        Buffer.alloc((index * 7919) % 9000, index),
      )
      const writer = new BatchWriter(handle, 4)
      for (const piece of pieces) await writer.add(piece)
      await writer.end()
      await handle.close()
      const expected = Buffer.concat([Buffer.from('head'), ...pieces])
      assert.ok((await fs.readFile(file)).equals(expected))
    } finally {
      await fs.rm(dir, { recursive: true })
    }
  })

  it('throws for ever once a write has failed', async () => {
    const handle = await fs.open('/dev/full', 'w')
    try {
      const writer = new BatchWriter(handle, 0)
      await writer.add(Buffer.from('x'))
      await assert.rejects(writer.end(), { code: 'ENOSPC' })
      await assert.rejects(writer.add(Buffer.alloc(2 << 20)), { code: 'ENOSPC' })
      await assert.rejects(writer.end(), { code: 'ENOSPC' })
    } finally {
      await handle.close()
    }
  })
})
