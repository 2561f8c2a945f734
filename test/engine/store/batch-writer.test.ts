import assert from 'node:assert/strict'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { BatchWriter } from '../../../engine/store/batch-writer.ts'

describe('a batch writer', () => {
  it('writes all in its order, and gives back the memory of chunks that are nobody else’s', async () => {
    const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'g-batch'))
    const handle = await fs.open(path.join(dir, 'file'), 'w+')
    try {
      const chunks = Array.from({ length: 200 }, (_, index) => Buffer.alloc(40_000, `${index},`))
      const whole = Buffer.concat(chunks)
      const writer = new BatchWriter(handle, 0)
      for (const [index, chunk] of chunks.entries()) await writer.add(chunk, index % 2 === 0)
      await writer.end()
      assert.ok((await fs.readFile(path.join(dir, 'file'))).equals(whole))
      assert.deepEqual(
        chunks.map(({ length }) => length),
        chunks.map((_, index) => (index % 2 === 0 ? 0 : 40_000)),
      )
    } finally {
      await handle.close()
      await fs.rm(dir, { recursive: true })
    }
  })
})
